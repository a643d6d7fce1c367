// Keeps an open page fresh. Everything here is an improvement: without it the
// page shows what was so when it was loaded.
"use strict";

(() => {
  // ---- Times -----------------------------------------------------------------

  const two = (n) => String(n).padStart(2, "0");

  const ago = (seconds) => {
    if (seconds < 60) return "just now";
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
    if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h ago`;
    return `${Math.floor(seconds / 86400)} days ago`;
  };

  const duration = (seconds) => {
    const n = Math.max(0, Math.floor(seconds));
    const minutes = Math.floor(n / 60) % 60;
    if (n < 3600) return `${minutes}:${two(n % 60)}`;
    return `${Math.floor(n / 3600)}:${two(minutes)}:${two(n % 60)}`;
  };

  const put = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };

  const showTimes = () => {
    const since = (text) => (Date.now() - Date.parse(text)) / 1000;
    for (const e of document.querySelectorAll("[data-ago]")) put(e, ago(since(e.dateTime)));
    for (const e of document.querySelectorAll("[data-since]")) put(e, duration(since(e.dataset.since)));
  };

  // ---- Regions that are loaded again -----------------------------------------

  const regions = (page) => [...page.querySelectorAll("[data-refresh]")];

  // Something that the reader has selected stays as it is.
  const inUse = (element) => {
    const selection = document.getSelection();
    return !selection.isCollapsed && selection.containsNode(element, true);
  };

  const refresh = async () => {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = new Map(regions(page).map((e) => [e.id, e]));
    const old = regions(document);
    if (old.length !== fresh.size || old.some((e) => !fresh.has(e.id))) {
      location.reload(); // the page has other parts now, such as its first log
      return;
    }
    for (const e of old) {
      const next = fresh.get(e.id);
      if (e.innerHTML === next.innerHTML || e.contains(document.activeElement) || inUse(e)) continue;
      e.replaceChildren(...next.childNodes);
    }
    document.title = page.title;
    showTimes();
  };

  let refreshing = false;
  let again = false;
  const refreshSoon = async () => {
    if (refreshing) {
      again = true;
      return;
    }
    refreshing = true;
    do {
      again = false;
      await refresh().catch(() => {}); // the hub is away; the stream says so
    } while (again);
    refreshing = false;
  };

  // ---- The log ---------------------------------------------------------------

  const text = document.getElementById("text");
  const button = document.getElementById("follow");
  const keep = 4 << 20; // characters of a log on the page
  let length = text ? text.textContent.length : 0;
  let following = true;

  const follow = (on) => {
    following = on;
    if (!button) return;
    button.textContent = on ? "Pause" : "Follow";
    button.setAttribute("aria-pressed", String(!on));
    if (on) text.scrollTop = text.scrollHeight;
  };

  const append = (piece) => {
    text.append(piece);
    length += piece.length;
    while (length > keep && text.childNodes.length > 1) {
      length -= text.firstChild.textContent.length;
      text.firstChild.remove();
    }
    if (following) text.scrollTop = text.scrollHeight;
  };

  if (text) {
    text.scrollTop = text.scrollHeight;
    text.addEventListener("scroll", () => {
      const atEnd = text.scrollHeight - text.scrollTop - text.clientHeight < 8;
      if (atEnd !== following) follow(atEnd);
    });
    button.addEventListener("click", () => follow(!following));
  }

  // ---- Events ----------------------------------------------------------------

  const address = document.body.dataset.live;
  let source = null;
  let offset = null; // of the log, where the next piece begins
  let broken = false;
  let ended = false;

  const say = (words, state) => {
    const place = document.getElementById("live");
    place.textContent = words;
    place.className = state;
  };

  const close = () => {
    if (source) source.close();
    source = null;
  };

  const open = () => {
    const url = new URL(address, location.href);
    if (offset !== null) url.searchParams.set("offset", offset);
    source = new EventSource(url);
    source.onopen = () => {
      say("Live", "on");
      if (broken) refreshSoon(); // what was told meanwhile is lost
      broken = false;
    };
    source.onerror = () => {
      say("Connecting …", "off");
      broken = true;
      if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
      close();
      setTimeout(attend, 5000);
    };
    source.addEventListener("change", refreshSoon);
    source.addEventListener("log", (e) => {
      offset = e.lastEventId;
      append(JSON.parse(e.data));
    });
    source.addEventListener("restart", () => {
      offset = "0";
      length = 0;
      text.replaceChildren();
    });
    source.addEventListener("end", () => {
      ended = true;
      close();
      say("Ended", "off");
      refreshSoon();
    });
  };

  // A browser has few connections for a server: those of hidden pages are closed.
  const attend = () => {
    if (document.hidden || ended) {
      close();
    } else if (!source) {
      open();
      refreshSoon();
    }
  };

  showTimes();
  setInterval(showTimes, 1000);
  if (address) {
    if (button) button.hidden = false;
    document.addEventListener("visibilitychange", attend);
    if (!document.hidden) open();
  }
})();
