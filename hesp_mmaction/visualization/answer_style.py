"""The style sheet of an answer on the demo page."""
from .canvas import KNOWN, UNKNOWN

# The host page's own colours, if it has any (Gradio's names); both light and dark.
STYLE = f"""
.answer {{ --known: {KNOWN}; --unknown: {UNKNOWN}; --faint:
  color-mix(in srgb, var(--body-text-color, #111) 68%, transparent);
  --line: var(--border-color-primary, #d4d4d8); --track: var(--background-fill-secondary, #f1f1f4);
  font-size: 15px; line-height: 1.45; display: grid; gap: 26px; padding: 4px }}
.answer h3 {{ font-size: 15px; font-weight: 600; margin: 0 0 8px }}
.answer p {{ margin: 4px 0 0 }} .answer .faint {{ color: var(--faint); font-size: 13px }}
.answer .problem {{ border-left: 5px solid var(--unknown); padding: 14px 18px;
  background: var(--track); border-radius: 4px; font-size: 16px }}
.answer .verdict {{ display: flex; gap: 24px; align-items: center; flex-wrap: wrap }}
.answer .clip {{ width: 176px; max-height: 200px; object-fit: contain; border-radius: 10px;
  border: 5px solid var(--known) }}
.answer .is-unknown .clip {{ border-color: var(--unknown) }}
.answer .words {{ flex: 1 1 300px }}
.answer .label {{ display: inline-block; font-size: 28px; line-height: 1.2; font-weight: 700;
  color: #fff; background: var(--known); padding: 4px 18px 6px; border-radius: 10px }}
.answer .is-unknown .label {{ background: var(--unknown) }}
.answer .score {{ position: relative; height: 14px; border-radius: 7px; margin: 26px 0 24px;
  background: var(--track); border: 1px solid var(--line) }}
.answer .fill {{ height: 100%; border-radius: 6px; background: var(--known) }}
.answer .is-unknown .score .fill {{ background: var(--unknown) }}
.answer .mark {{ position: absolute; top: -6px; height: 24px; border-left: 3px solid
  var(--body-text-color, #111) }}
.answer .under {{ position: absolute; top: 19px; transform: translateX(-50%); font-size: 13px;
  white-space: nowrap }}
.answer .over {{ position: absolute; bottom: 16px; font-size: 13px; font-weight: 600;
  white-space: nowrap; transform: translateX(-50%) }}
.answer .end {{ position: absolute; top: 19px; font-size: 13px; color: var(--faint) }}
.answer .row {{ display: grid; grid-template-columns: 110px 1fr 48px; gap: 12px;
  align-items: center; margin: 5px 0 }}
.answer .row .track {{ height: 14px; border-radius: 7px; background: var(--track);
  border: 1px solid var(--line) }}
.answer .row b, .answer .row span {{ font-variant-numeric: tabular-nums; text-align: right }}
.answer .row span:first-child {{ text-align: left }}
.answer .faded .fill {{ opacity: .45 }}
.answer .frames {{ display: grid; grid-template-columns: repeat(8, minmax(0, 1fr)); gap: 6px }}
.answer .frame {{ position: relative; line-height: 0 }}
.answer .frame img {{ width: 100%; border-radius: 4px; display: block }}
.answer .region {{ position: absolute; border: 1.5px solid #fff; outline: 1.5px solid #111;
  box-sizing: border-box }}
.answer svg {{ width: 100%; height: auto; display: block; overflow: visible }}
.answer svg text {{ fill: var(--body-text-color, #111); font-size: 14px }}
.answer svg .faint {{ fill: var(--faint); font-size: 13px }}
.answer svg .on {{ fill: #fff; font-weight: 600 }}
"""
