// The region on one screen.
import { say } from "../language";
import { MapView } from "../parts/map_view";
import { currentRegion } from "../region";

export function MapScreen({ chosen }: { chosen: string | undefined }) {
  const region = currentRegion();
  const departments = (region?.places ?? []).filter((place) => place.tier && !place.neighbour).length;
  return (
    <div class="wide map-screen">
      <div class="screen-head"><h1>{say("지도", "Map")}</h1>
        <span class="quiet">{say(`응급의료기관 ${departments}곳 · 병원 ${region?.places.length ?? 0}곳 · 보건기관 ${region?.posts.length ?? 0}곳`, `${departments} emergency departments · ${region?.places.length ?? 0} hospitals · ${region?.posts.length ?? 0} health posts`)}</span>
      </div>
      <MapView tall marks={chosen === undefined ? {} : { origin: chosen }} />
    </div>
  );
}
