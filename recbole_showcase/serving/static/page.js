// The page without this lists users and their showcases. With it somebody new can be asked for,
// and photos can be changed. What comes from the data is set as text, or escaped by the service.
"use strict";

const newcomer = { reviews: [], photos: [] }; // as /v1/profile takes them
const chosenFiles = [];

const byId = (id) => document.getElementById(id);

async function ask(path, body) {
  const response = await fetch(path, body && {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const isJson = (response.headers.get("content-type") || "").startsWith("application/json");
  const answer = isJson ? await response.json() : await response.text();
  if (!response.ok) throw new Error(answer.error || `The service answered ${response.status}.`);
  return answer;
}

// ---- Users, as they are typed ----

let asked = 0;
async function suggest() {
  const mine = ++asked;
  await new Promise((done) => setTimeout(done, 150));
  if (mine !== asked) return;
  const search = encodeURIComponent(byId("user").value);
  const { users } = await ask(`/v1/users?limit=10&search=${search}`);
  if (mine !== asked) return;
  byId("users").replaceChildren(...users.map((user) => new Option(user, user)));
}

// ---- Photos of a card ----

async function openChoices(card) {
  const box = card.querySelector(".choices");
  if (box.childElementCount) return;
  const { photos } = await ask(`/v1/item?limit=100&id=${encodeURIComponent(card.dataset.item)}`);
  const chosen = JSON.parse(card.dataset.photos);
  card.dataset.many = Math.max(1, chosen.length);
  photos.forEach((photo, place) => box.append(choice(card, photo, place, chosen.includes(photo.id))));
}

function choice(card, photo, place, pressed) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-pressed", pressed);
  button.append(picture(photo.url + "&side=128", `Photo ${place + 1} of ${card.dataset.name}`));
  button.addEventListener("click", () => press(card, button, photo.id));
  return button;
}

function picture(url, alt) {
  const image = new Image();
  image.className = "photo";
  image.loading = "lazy";
  image.alt = alt;
  image.src = url;
  return image;
}

function press(card, button, id) {
  let chosen = JSON.parse(card.dataset.photos);
  tell(card, "");
  const buttons = card.querySelectorAll(".choices button");
  if (chosen.includes(id)) {
    if (chosen.length === 1) {
      tell(card, "A text is written from one photo at least: press another one first.");
      return;
    }
    chosen = chosen.filter((other) => other !== id);
  } else {
    chosen = [...chosen, id].slice(-card.dataset.many); // the one chosen first makes room
  }
  card.dataset.photos = JSON.stringify(chosen);
  redraw(card, chosen);
  for (const other of buttons) {
    const url = other.firstChild.getAttribute("src");
    const shown = chosen.some((photo) => url === photoUrl(photo) + "&side=128");
    other.setAttribute("aria-pressed", shown);
  }
  write(card, chosen);
}

function tell(card, words) {
  const note = card.querySelector(".swap .note");
  note.textContent = words;
}

const photoUrl = (id) => "/v1/photo?id=" + encodeURIComponent(id)
  .replace(/[!'()*]/g, (sign) => "%" + sign.charCodeAt(0).toString(16).toUpperCase());

function redraw(card, chosen) {
  const mosaic = card.querySelector(".mosaic");
  if (!mosaic) return;
  mosaic.className = `mosaic of-${chosen.length}`;
  mosaic.replaceChildren(...chosen.map((photo, place) => picture(
    photoUrl(photo), `Chosen photo ${place + 1} of ${chosen.length} for ${card.dataset.name}`)));
  card.querySelector(".why")?.remove(); // the reasons were those of other photos
}

async function write(card, chosen) {
  const words = card.querySelector(".words");
  const { user, item } = card.dataset;
  const mine = (card.dataset.asked = Number(card.dataset.asked || 0) + 1);
  words.classList.add("busy");
  const photos = chosen.length ? chosen : null;
  let said, quoted = false, reviews = [], missing = "";
  try {
    const { showcases: [found] } = user
      ? await ask("/v1/explain", { pairs: [{ user, item, photos }], deadline_ms: 60000 })
      : await ask("/v1/profile", { ...newcomer, items: [{ item, photos }], deadline_ms: 60000 });
    quoted = Boolean(found.text && found.text.trim());
    reviews = [...new Set(found.evidence)];
    missing = found.late ? "The text is late" : found.failed ? "The text could not be written" : "";
    said = found.error || (quoted ? found.text : `${missing || "No text was generated"}.`);
  } catch (error) {
    said = error.message;
  }
  if (mine !== Number(card.dataset.asked)) return;
  const line = document.createElement("p");
  line.dir = "auto";
  line.textContent = said;
  if (!quoted) line.className = "nothing";
  const quote = document.createElement("blockquote");
  quote.className = "generated";
  quote.append(line);
  const note = document.createElement("p");
  note.className = "aside";
  note.textContent = `${missing}; others wrote this.`;
  words.replaceChildren(quoted ? quote : line, ...(reviews.length ? [evidence(reviews)] : []),
    ...(quoted && missing ? [note] : []));
  words.classList.remove("busy");
}

// As the template has it.
function evidence(reviews) {
  const box = document.createElement("details");
  box.className = "evidence";
  const summary = document.createElement("summary");
  summary.textContent = `Rests on ${reviews.length} review${reviews.length === 1 ? "" : "s"}`;
  const list = document.createElement("p");
  for (const [place, id] of reviews.entries()) {
    const name = document.createElement("bdi");
    name.className = "token";
    name.textContent = id;
    list.append(place ? ", " : "", name);
  }
  box.append(summary, list);
  return box;
}

function wake(within) {
  for (const card of within.querySelectorAll(".card")) {
    const swap = card.querySelector(".swap");
    swap.hidden = false;
    swap.addEventListener("toggle", () => swap.open && openChoices(card));
    if (card.querySelector(".late")) write(card, JSON.parse(card.dataset.photos));
  }
}

// ---- Somebody new ----

function add(files) {
  const form = byId("newcomer");
  const problems = [];
  for (const file of files) {
    if (!file.type.startsWith("image/")) {
      problems.push(`${file.name} is no image that this browser knows.`);
    } else if (file.size > Number(form.dataset.bytes)) {
      problems.push(`${file.name} is larger than ${form.dataset.bytes / 2 ** 20} MiB.`);
    } else if (chosenFiles.length >= Number(form.dataset.photos)) {
      problems.push(`${file.name} is left out: ${form.dataset.photos} photos are the most.`);
    } else {
      chosenFiles.push(file);
    }
  }
  byId("newcomer-problem").textContent = problems.join(" ");
  preview();
}

function preview() {
  byId("previews").replaceChildren(...chosenFiles.map((file, place) => {
    const entry = document.createElement("li");
    const image = picture(URL.createObjectURL(file), `Your photo ${place + 1}: ${file.name}`);
    image.addEventListener("load", () => URL.revokeObjectURL(image.src));
    image.loading = "eager";
    const remove = document.createElement("button");
    remove.type = "button";
    remove.textContent = "Remove";
    remove.setAttribute("aria-label", `Remove ${file.name}`);
    remove.addEventListener("click", () => {
      chosenFiles.splice(chosenFiles.indexOf(file), 1);
      preview();
      byId("files").focus();
    });
    entry.append(image, remove);
    return entry;
  }));
}

const base64 = (file) => new Promise((done, failed) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
  reader.onerror = () => failed(new Error(`${file.name} cannot be read.`));
  reader.readAsDataURL(file);
});

async function submitNewcomer(event) {
  event.preventDefault();
  const button = event.target.querySelector("button:not([type])");
  const problem = byId("newcomer-problem");
  problem.textContent = "";
  button.disabled = true;
  try {
    const lines = byId("likes").value.split("\n").filter((line) => line.trim());
    const most = Number(event.target.dataset.reviews);
    if (lines.length > most) throw new Error(`${most} lines are the most, and these are ${lines.length}.`);
    newcomer.reviews = lines;
    newcomer.photos = await Promise.all(chosenFiles.map(base64));
    const k = Number(byId("many").value) || 5;
    const cards = await ask("/page/profile", { ...newcomer, k });
    const section = document.createElement("section");
    section.setAttribute("aria-labelledby", "for");
    const head = document.createElement("h3");
    head.id = "for";
    head.tabIndex = -1;
    head.textContent = "For somebody new";
    section.append(head);
    section.insertAdjacentHTML("beforeend", cards); // escaped by the service's templates
    byId("showcases").replaceChildren(section);
    wake(section);
    head.focus();
  } catch (error) {
    problem.textContent = error.message;
  } finally {
    button.disabled = false;
  }
}

wake(document);
byId("user").addEventListener("input", suggest);
const form = byId("newcomer");
if (byId("files")) {
  form.addEventListener("submit", submitNewcomer);
  byId("files").addEventListener("change", (event) => {
    add(event.target.files);
    event.target.value = "";
  });
  const drop = byId("drop");
  drop.addEventListener("dragover", () => drop.classList.add("over"));
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    add(event.dataTransfer.files);
  });
}

// Beside the box nothing takes a file, and a browser would leave the page for it, whatever is
// asked on it. Words may be dragged into fields.
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
}
