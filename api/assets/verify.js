'use strict';
// The page around the verifier: it hands over a file and shows the report. It knows neither what
// is proved nor any word that a reader sees; both come from the module.
(() => {
  const byId = (id) => document.getElementById(id);
  const [file, entry, trust, code, remembered, age, report] =
    ['file', 'entry', 'trust', 'code', 'remembered', 'age', 'report'].map(byId);
  const LANGUAGES = ['zh', 'en'];
  // A century; the options' seconds are 32 bits.
  const HOURS_MAX = 1000000;
  // An entry has 16 KiB at most.
  const ENTRY_BYTES_MAX = 16 * 1024 + 1;
  let module = null;
  let chosen = null;

  const speak = (lang) => {
    document.documentElement.lang = lang;
    document.body.className = lang;
  };

  const add = (parent, tag, className) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    return parent.appendChild(node);
  };

  // A text in both languages, of which the style sheet shows one.
  const say = (node, text) => {
    for (const lang of LANGUAGES) {
      const half = add(node, 'span');
      half.lang = lang;
      half.textContent = text[lang];
    }
    return node;
  };

  const ICONS = { good: 'check', warn: 'gap', stop: 'stop', none: 'ask' };

  const icon = (parent, tone) => {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('class', 'i');
    svg.setAttribute('aria-hidden', 'true');
    const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
    use.setAttribute('href', '#i-' + ICONS[tone]);
    svg.appendChild(use);
    parent.appendChild(svg);
  };

  const show = (said) => {
    report.textContent = '';
    const hero = add(report, 'section', 'card hero');
    const verdict = add(hero, 'div', 'verdict ' + said.tone);
    icon(verdict, said.tone);
    say(add(add(verdict, 'div'), 'strong'), said.title);
    say(add(hero, 'p', 'lead'), said.lead);
    for (const section of said.sections) {
      const card = section.heading.zh ? add(report, 'section', 'card') : hero;
      if (section.heading.zh) say(add(card, 'h2'), section.heading);
      const list = add(card, 'dl', 'said');
      for (const row of section.rows) {
        if (row.label.zh) say(add(list, 'dt'), row.label);
        say(add(list, 'dd'), row.value);
      }
    }
    report.dataset.name = said.name;
    report.dataset.tone = said.tone;
    report.hidden = false;
  };

  // What the page itself has to say stands in it, hidden, in both languages.
  const trouble = (id, detail) => {
    const text = {};
    for (const lang of LANGUAGES) {
      text[lang] = byId(id).querySelector('[lang=' + lang + ']').textContent + (detail || '');
    }
    const nothing = { zh: '', en: '' };
    show({ tone: 'none', name: id, title: text, lead: nothing, sections: [] });
  };

  const given = (core, room, bytes) => {
    const at = core[room](bytes.length);
    if (at === 0) throw new RangeError(room + ': ' + bytes.length + ' bytes');
    // The memory may have grown, so that an older view of it is of no use.
    new Uint8Array(core.memory.buffer, at, bytes.length).set(bytes);
  };

  // As much of a file as is worth reading: a byte too many, where it is too long, tells of it.
  const read = async (picked, bytesMax) =>
    new Uint8Array(await new Response(picked.slice(0, bytesMax)).arrayBuffer());

  const base64 = (bytes) => btoa(Array.from(bytes, (one) => String.fromCharCode(one)).join(''));

  const verify = (core, bytes, statement) => {
    const options = {
      trust: trust.value,
      nowMs: Date.now(),
      code: code.value,
      entry: base64(statement),
      remembered: remembered.value,
      ageMaxS: Math.round(Math.min(Math.max(Number(age.value) || 0, 0), HOURS_MAX) * 3600),
    };
    given(core, 'options', new TextEncoder().encode(JSON.stringify(options)));
    given(core, 'file', bytes);
    const length = core.verify();
    const said = new Uint8Array(core.memory.buffer, core.report(), length);
    return JSON.parse(new TextDecoder().decode(said));
  };

  // A fresh instance for each file: none sees what another left behind.
  const check = async () => {
    if (!module || !chosen) return;
    const asked = chosen;
    try {
      const core = (await WebAssembly.instantiate(module, {})).exports;
      const bytes = await read(asked, core.file_bytes_max());
      const beside = entry.files[0];
      const statement = beside ? await read(beside, ENTRY_BYTES_MAX) : new Uint8Array(0);
      const said = verify(core, bytes, statement);
      if (asked === chosen) show(said);
    } catch (error) {
      if (asked === chosen) trouble('failed', String(error));
    }
  };

  const choose = (picked) => {
    if (!picked) return;
    chosen = picked;
    trouble('busy');
    // The browser shows that much before it is kept busy.
    setTimeout(check, 0);
  };

  const embedded = () => {
    const text = atob(byId('core').textContent.trim());
    const bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
    return bytes;
  };

  const dropped = (event) => {
    event.preventDefault();
    const [first] = event.dataTransfer.files;
    if (!first) return;
    if (event.target !== trust) {
      choose(first);
      return;
    }
    new Response(first.slice(0, trust.maxLength)).text().then((text) => {
      trust.value = text;
      check();
    });
  };

  const wanted = /[?&]lang=(zh|en)/.exec(location.search);
  speak(wanted ? wanted[1] : /^en/.test(navigator.language) ? 'en' : 'zh');
  byId('switch').addEventListener('click', () => {
    speak(document.body.className === 'zh' ? 'en' : 'zh');
  });
  // The page of a scan hands over its code behind the hash, which is sent to no server.
  try {
    code.value = decodeURIComponent(location.hash.slice(1));
  } catch (_) {
    code.value = '';
  }
  file.addEventListener('change', () => choose(file.files[0]));
  for (const input of [entry, trust, code, remembered, age]) input.addEventListener('change', check);
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', dropped);

  if (typeof WebAssembly !== 'object') {
    trouble('nowasm');
    return;
  }
  WebAssembly.compile(embedded()).then(
    (compiled) => {
      module = compiled;
      document.body.dataset.ready = 'true';
      check();
    },
    (error) => trouble('nowasm', ' ' + error),
  );
})();
