"""Drawn, acted faces: a stand-in for AFEW and MAFW where the real clips may not be had.

``actions`` says what the facial muscles do, ``subject`` who acts, ``scene`` where and how it is
filmed, ``face`` draws one frame, ``clips`` films a clip and ``layouts`` writes a data set.
"""
