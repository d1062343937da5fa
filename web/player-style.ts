// The style of the player, as a sheet of its own: strict policies allow it, and the page's style does not affect it.

/** Pages change it through these properties, and through `::part(...)`. */
const STYLE = `
:host {
  --roomcast-screen: #11151a;
  --roomcast-on-screen: #dfe5ec;
  --roomcast-surface: #ffffff;
  --roomcast-text: #1b2027;
  --roomcast-muted: #5a6573;
  --roomcast-line: #c3cad3;
  --roomcast-accent: #1c6580;
  --roomcast-good: #1d7a46;
  --roomcast-radius: 12px;
  --roomcast-mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
  display: flex;
  flex-direction: column;
  gap: 12px;
  color: var(--roomcast-text);
  font: 15px / 1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Open Sans", "DejaVu Sans", sans-serif;
}
@media (prefers-color-scheme: dark) {
  :host {
    --roomcast-screen: #090c10;
    --roomcast-surface: #171c23;
    --roomcast-text: #e6eaef;
    --roomcast-muted: #98a4b3;
    --roomcast-line: #3a4552;
    --roomcast-accent: #7cc4de;
    --roomcast-good: #6fd39b;
  }
}
* { box-sizing: border-box; }
:focus-visible { outline: 2px solid var(--roomcast-accent); outline-offset: 2px; }
.screen {
  position: relative;
  display: grid;
  min-height: 0;
  overflow: hidden;
  aspect-ratio: 16 / 9;
  max-height: calc(100vh - 60px);
  border-radius: var(--roomcast-radius);
  background: var(--roomcast-screen);
  color: var(--roomcast-on-screen);
}
.screen:fullscreen { border-radius: 0; max-height: none; }
.screen :focus-visible { outline-color: #8fd0e8; outline-offset: -2px; }
.screen > * { grid-area: 1 / 1; min-width: 0; min-height: 0; }
.pictures { display: grid; min-width: 0; min-height: 0; }
.pictures > * { grid-area: 1 / 1; width: 100%; height: 100%; min-width: 0; min-height: 0; object-fit: contain; }
.text { display: flex; flex-direction: column; gap: 8px; min-height: 0; padding: clamp(10px, 2vw, 20px); }
.text p { margin: 0; font-size: 14px; }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 12px; min-height: 34px; font-size: 14px; font-variant-numeric: tabular-nums; }
.bar input {
  flex: 1 1 140px;
  max-width: 280px;
  min-width: 0;
  padding: 5px 10px;
  border: 1px solid #6a7685;
  border-radius: 8px;
  background: #1b2129;
  color: #eef2f6;
  font: inherit;
}
.bar input::placeholder { color: #a9b4c0; }
.log, .text > pre { flex: 1; min-height: 0; margin: 0; overflow: auto; font: 13px / 1.55 var(--roomcast-mono); }
.row { white-space: pre-wrap; overflow-wrap: anywhere; }
.row pre { margin: 0 0 4px 16px; font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; color: #b9d6e2; }
summary { cursor: pointer; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
.notice {
  place-self: center;
  z-index: 1;
  max-width: calc(100% - 32px);
  margin: 16px;
  padding: 8px 16px;
  border-radius: 20px;
  overflow-wrap: anywhere;
  background: rgb(30 37 45 / 92%);
  color: #eef2f6;
  text-align: center;
}
.screen:has(> .text) { display: flex; flex-direction: column; }
.screen > .text { flex: 1; }
.text ~ .notice { align-self: center; margin-top: 0; }
.controls { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; }
.controls > input { width: 90px; accent-color: var(--roomcast-accent); }
button {
  min-height: 40px;
  padding: 6px 14px;
  border: 1px solid var(--roomcast-line);
  border-radius: 8px;
  background: var(--roomcast-surface);
  color: var(--roomcast-text);
  font: inherit;
  cursor: pointer;
}
.bar button { min-height: 32px; padding: 2px 12px; }
button:hover { border-color: var(--roomcast-muted); }
.timeline { display: flex; align-items: center; gap: 8px 12px; font-size: 14px; font-variant-numeric: tabular-nums; }
.timeline > input { flex: 1; min-width: 0; accent-color: var(--roomcast-accent); }
.timeline > button[aria-pressed="true"] { color: var(--roomcast-good); border-color: currentcolor; }
.status { margin-left: auto; color: var(--roomcast-muted); font-size: 14px; font-variant-numeric: tabular-nums; }
.status[data-value="live"] { color: var(--roomcast-good); }
@media (max-width: 520px) {
  .log, .text > pre { font-size: 11px; }
  .screen[data-kind="lines"], .screen[data-kind="json"], .screen[data-kind="bytes"] { aspect-ratio: 3 / 4; }
}
[hidden] { display: none !important; }
`;

let sheet: CSSStyleSheet | undefined;

/** The sheet, shared by all players of a page. */
export function playerStyle(): CSSStyleSheet {
  if (sheet === undefined) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
  }
  return sheet;
}
