"use strict";
// Grades are kept by the browser where it lets a page do so, and saved as a CSV by the rater.
(() => {
  const tasks = [...document.querySelectorAll(".task")];
  const { name, sheet } = document.body.dataset;
  const grades = {}; // by task and criterion
  const criteria = [...tasks[0].querySelectorAll(".criterion")].map((one) => one.dataset.criterion);
  let at = 0, marked = 0, unsaved = false;

  const parts = () => [...tasks[at].querySelectorAll(".criterion")];

  function recall() {
    try {
      const kept = JSON.parse(localStorage.getItem(`sheet ${sheet}`) || "{}");
      for (const task of tasks) {
        for (const part of task.querySelectorAll(".criterion")) {
          const grade = (kept[task.dataset.task] || {})[part.dataset.criterion];
          if (Number.isInteger(grade)) fill(task, part, grade);
        }
      }
    } catch { /* a page of a disk may not be let keep anything */ }
  }

  function keep() {
    unsaved = true;
    try { localStorage.setItem(`sheet ${sheet}`, JSON.stringify(grades)); } catch { /* as above */ }
    count();
  }

  const isGrade = (part, grade) => Number.isInteger(grade)
    && grade >= Number(part.dataset.low) && grade <= Number(part.dataset.high);

  function fill(task, part, grade) {
    if (grade !== null && !isGrade(part, grade)) return;
    const own = (grades[task.dataset.task] ||= {});
    if (grade === null) delete own[part.dataset.criterion];
    else own[part.dataset.criterion] = grade;
    for (const input of part.querySelectorAll("input")) {
      if (input.type === "radio") input.checked = Number(input.value) === grade && grade !== null;
      else if (document.activeElement !== input) input.value = grade === null ? "" : grade;
    }
  }

  function count() {
    const given = tasks.reduce((sum, one) => sum + Object.keys(grades[one.dataset.task] || {}).length, 0);
    document.getElementById("place").textContent =
      `Text ${at + 1} of ${tasks.length}, ${given} of ${tasks.length * criteria.length} grades`;
  }

  function mark(number, scroll = true) {
    marked = Math.max(0, Math.min(number, criteria.length - 1));
    parts().forEach((part, n) => part.classList.toggle("marked", n === marked));
    if (scroll) parts()[marked].scrollIntoView({ block: "nearest" });
  }

  function show(number) {
    at = Math.max(0, Math.min(number, tasks.length - 1));
    tasks.forEach((task, n) => { task.hidden = n !== at; });
    if (document.activeElement) document.activeElement.blur();
    scrollTo(0, 0);
    mark(0);
    scrollTo(0, 0);
    count();
  }

  function save() {
    const lines = [["task", ...criteria].join(",")];
    for (const task of tasks) {
      const own = grades[task.dataset.task] || {};
      lines.push([task.dataset.task, ...criteria.map((one) => own[one] ?? "")].join(","));
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
    link.download = `${name}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
    unsaved = false;
  }

  for (const task of tasks) {
    task.querySelectorAll(".criterion").forEach((part, n) => {
      part.addEventListener("focusin", () => mark(n, false)); // a click must not move
      part.addEventListener("input", ({ target }) => {
        const grade = target.value === "" ? null : Number(target.value);
        if (target.type === "number") target.setCustomValidity(
          grade === null || isGrade(part, grade) ? "" : `From ${part.dataset.low} to ${part.dataset.high}`);
        fill(task, part, isGrade(part, grade) ? grade : null);
        if (target.type === "number") target.reportValidity();
        keep();
      });
      part.querySelector(".clear").addEventListener("click", () => { fill(task, part, null); keep(); });
    });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.type === "number";
    const part = parts()[marked];
    if (event.key >= "0" && event.key <= "9" && event.key.length === 1 && !typing) {
      const number = part.querySelector("input[type=number]");
      if (number) { number.focus(); return; } // which takes the digit
      if (isGrade(part, Number(event.key))) {
        fill(tasks[at], part, Number(event.key));
        keep();
        mark(marked + 1);
      }
    } else if (event.key === "ArrowDown" && event.target.type !== "radio") mark(marked + 1);
    else if (event.key === "ArrowUp" && event.target.type !== "radio") mark(marked - 1);
    else if (event.key === "n" || (typing && event.key === "Enter")) show(at + 1);
    else if (event.key === "p") show(at - 1);
    else if (event.key === "s") save();
    else return;
    event.preventDefault();
  });
  document.getElementById("next").addEventListener("click", () => show(at + 1));
  document.getElementById("previous").addEventListener("click", () => show(at - 1));
  document.getElementById("save").addEventListener("click", save);
  addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
  recall();
  show(0);
})();
