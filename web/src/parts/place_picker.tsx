// Finding one of a few hundred places by name: type, then choose with keys or a tap.
import { useId, useState } from "preact/hooks";
import { nameIn, say } from "../language";
import type { Place } from "../region";
import { kindName, tierName } from "../tables";

const SHOWN = 8;
const COMBOBOX: object = { role: "combobox" }; // its list is drawn below, not a datalist
const plain = (text: string): string => text.toLowerCase().replace(/\s+/g, "");
const matches = (place: Place, wanted: string): boolean => plain(`${place.name_ko} ${place.name_en ?? ""} ${place.id}`).includes(wanted);

export function PlacePicker({ label, places, value, onChange }: { label: string; places: readonly Place[]; value: Place | undefined; onChange: (place: Place | undefined) => void }) {
  const id = useId();
  const [text, setText] = useState<string>();
  const [at, setAt] = useState(0);
  const isOpen = text !== undefined;
  const found = isOpen ? places.filter((place) => matches(place, plain(text))).slice(0, SHOWN) : [];
  const choose = (place: Place | undefined) => {
    if (place === undefined) return;
    onChange(place);
    setText(undefined);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") setAt((n) => Math.min(n + 1, found.length - 1));
    else if (event.key === "ArrowUp") setAt((n) => Math.max(n - 1, 0));
    else if (event.key === "Enter" && isOpen) choose(found[at]);
    else if (event.key === "Escape") return setText(undefined);
    else return;
    event.preventDefault();
  };
  return (
    <div class="picker">
      <label for={id}>{label}</label>
      <input id={id} type="search" {...COMBOBOX} autocomplete="off" aria-expanded={isOpen} aria-controls={`${id}-list`} aria-activedescendant={isOpen && found[at] ? `${id}-${at}` : undefined}
        placeholder={say("이름으로 찾기", "find by name")} value={text ?? (value === undefined ? "" : nameIn(value))}
        onFocus={(event) => { event.currentTarget.select(); setText(""); setAt(0); }} onBlur={() => setText(undefined)}
        onInput={(event) => { setText(event.currentTarget.value); setAt(0); }} onKeyDown={onKey} />
      {isOpen && (
        <ul id={`${id}-list`} role="listbox" class="picker-list" aria-label={label}>
          {found.map((place, i) => (
            <li key={place.id} id={`${id}-${i}`} role="option" aria-selected={i === at} class={i === at ? "is-on" : ""} onMouseDown={(event) => { event.preventDefault(); choose(place); }}>
              <span>{nameIn(place)}</span>
              <small>{[place.tier ? tierName(place.tier) : kindName(place.kind), place.neighbour ? say("이웃 시·도", "neighbouring province") : ""].filter(Boolean).join(" · ")}</small>
            </li>
          ))}
          {found.length === 0 && <li class="quiet">{say("맞는 기관이 없습니다", "no place matches")}</li>}
        </ul>
      )}
    </div>
  );
}
