// Watches the payment, counts its time down, and goes back to the merchant at the end. The page works without it.
"use strict";

const LOOK_MS = 3000;
const LOOK_LATER_MS = 10000;
const LOOK_LATER_AFTER_MS = 300000;
const LOOK_MOST_MS = 30000;
const RETURN_SECONDS = 6;
const TOLD_SECONDS = [300, 60];

const live = document.getElementById("live");
const began = performance.now();
let failures = 0;
let clock = 0;
let look = 0;
let looking = false;

function tell(words) {
  live.textContent = words;
}

function isFinal() {
  return !["open", "working"].includes(document.querySelector("main").dataset.state);
}

function inMinutes(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function countDown() {
  const timer = document.querySelector("[data-seconds]");
  if (!timer) return;
  const ends = performance.now() + Number(timer.dataset.seconds) * 1000;
  const tick = () => {
    const seconds = Math.max(0, Math.round((ends - performance.now()) / 1000));
    timer.hidden = false;
    timer.textContent = `${inMinutes(seconds)} left`;
    if (TOLD_SECONDS.includes(seconds)) tell(`${inMinutes(seconds)} minutes left to pay`);
    if (seconds === 0) {
      clearInterval(clock);
      lookNow();
    }
  };
  tick();
  clock = setInterval(tick, 1000);
}

function goBack() {
  const back = document.querySelector("[data-back]");
  if (!back) return;
  const words = document.createElement("p");
  const stay = document.createElement("button");
  let seconds = RETURN_SECONDS;
  words.className = "quiet";
  stay.className = "stay";
  stay.type = "button";
  stay.textContent = "Stay on this page";
  const show = () => {
    words.textContent = `Going back in ${seconds} s.`;
  };
  show();
  back.parentElement.after(words, stay);
  clock = setInterval(() => {
    seconds -= 1;
    if (seconds > 0) {
      show();
      return;
    }
    clearInterval(clock);
    location.replace(back.href);
  }, 1000);
  stay.addEventListener("click", () => {
    clearInterval(clock);
    words.remove();
    stay.remove();
    back.focus();
  });
}

function begin() {
  clearInterval(clock);
  if (isFinal()) goBack();
  else {
    countDown();
    lookLater();
  }
}

async function renew() {
  const answer = await fetch(location.pathname, { cache: "no-store" });
  if (!answer.ok) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.title = page.title;
  document.querySelector("main").replaceWith(document.adoptNode(page.querySelector("main")));
  tell(`${document.getElementById("headline").textContent}. ${document.querySelector(".words").textContent}`);
}

async function lookNow() {
  clearTimeout(look);
  if (looking || isFinal()) return;
  looking = true;
  try {
    const answer = await fetch(`${location.pathname}/state`, { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const { state } = await answer.json();
    if (failures > 0) tell("Connected again.");
    failures = 0;
    if (state !== document.querySelector("main").dataset.state) {
      await renew();
      looking = false;
      begin();
      return;
    }
  } catch {
    failures += 1;
    if (failures === 2) tell("No connection. Trying again.");
  }
  looking = false;
  lookLater();
}

function lookLater() {
  clearTimeout(look);
  const usual = performance.now() - began > LOOK_LATER_AFTER_MS ? LOOK_LATER_MS : LOOK_MS;
  look = setTimeout(lookNow, Math.min(LOOK_MOST_MS, usual * 2 ** Math.min(failures, 4)));
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) lookNow();
});

begin();
