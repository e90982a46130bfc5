// A scenario's page: plays by itself, follows what is played elsewhere, and copies the address of a step.
"use strict";
{
  const PACE_MS = 4000, FOLLOW_MS = 2000;
  const story = document.getElementById("story"), form = document.getElementById("go-on"), play = document.getElementById("by-itself");
  const says = document.getElementById("playing"), share = document.getElementById("share"), address = new URL(location.href);
  const state = { playing: address.searchParams.get("play") === "on", timer: 0, sent: false };
  const next = () => form?.querySelector('[value="step"]');

  const show = () => {
    clearTimeout(state.timer);
    if (state.playing) address.searchParams.set("play", "on"); else address.searchParams.delete("play");
    history.replaceState(null, "", address);
    if (!form) return;
    form.elements.play.value = state.playing ? "on" : "";
    play.hidden = false;
    play.setAttribute("aria-pressed", String(state.playing));
    play.firstElementChild.textContent = state.playing ? play.dataset.pause : play.dataset.play;
    const asks = "guess" in story.dataset;
    says.textContent = !state.playing ? "" : asks ? says.dataset.waits : says.dataset.plays;
    if (state.playing && !asks) state.timer = setTimeout(() => form.requestSubmit(next()), PACE_MS);
  };
  play?.addEventListener("click", () => { state.playing = !state.playing; show(); });
  form?.addEventListener("submit", () => clearTimeout(state.timer));

  share.addEventListener("click", async (event) => {
    if (!navigator.clipboard) return;
    event.preventDefault();
    try {
      await navigator.clipboard.writeText(share.href);
      says.textContent = says.dataset.copied;
    } catch {
      location.assign(share.href);
    }
  });

  // A page loaded again would show what was just asked for, and end the request: whoever has sent a form waits for its answer.
  document.addEventListener("submit", () => { state.sent = true; });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  const follow = async () => {
    if (state.sent) return;
    if (!document.hidden) {
      try {
        const answer = await fetch(story.dataset.at), at = await answer.json();
        if (state.sent) return;
        if (answer.ok && at.step !== Number(story.dataset.step)) { location.reload(); return; }
      } catch {
        // The server is away: the page stays as it is.
      }
    }
    setTimeout(follow, FOLLOW_MS);
  };
  if ("at" in story.dataset) setTimeout(follow, FOLLOW_MS);
  show();
}
