//! The same verifier twice: this process's, and the module in a browser's page.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::thread;
use tests::chromium::{Chromium, Page};

/// Forgeries handed to the browser at once: what one answer may take, and a pipe carry.
pub(super) const AT_ONCE: usize = 2000;

/// What a verifier says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Red.
    Refused {
        /// The stable name.
        name: String,
        /// What stands beside it.
        detail: String,
    },
    /// Any other colour: the whole report, with all that a reader sees.
    Shown(String),
}

impl Said {
    fn of(report: &str) -> Self {
        let value: Value = serde_json::from_str(report).expect("a report");
        if value["tone"] == "stop" && value["name"] != "proved" {
            let name = value["name"].as_str().expect("a name").to_owned();
            let detail = value["sections"].to_string();
            Self::Refused { name, detail }
        } else {
            Self::Shown(report.to_owned())
        }
    }

    /// The name of a refusal.
    pub(super) fn reason(&self) -> Option<String> {
        match self {
            Self::Refused { name, .. } => Some(name.clone()),
            Self::Shown(_) => None,
        }
    }
}

impl Said {
    /// Whether it is amber for what it lacks, a part or a witness, and shows the sound file's own
    /// steps and no others.
    pub(super) fn shows_less_than(&self, sound: &Self) -> bool {
        let (Self::Shown(less), Self::Shown(sound)) = (self, sound) else {
            return false;
        };
        let [less, sound] = [less, sound]
            .map(|report| -> Value { serde_json::from_str(report).expect("a report") });
        let lacks = ["part-missing", "few-witnesses"];
        let reasons = less["reasons"].as_array().into_iter().flatten();
        let mut reasons = reasons.filter_map(Value::as_str);
        less["tone"] == "warn"
            && reasons.any(|one| lacks.contains(&one))
            && ["item", "steps", "tests", "orders"]
                .iter()
                .all(|part| less["answer"][part] == sound["answer"][part])
    }
}

/// What the verifier says in this process.
pub(super) fn judged_here(options: &str, file: &[u8]) -> Said {
    let report = ledger_web::verify(options.as_bytes(), file);
    Said::of(std::str::from_utf8(&report).expect("JSON"))
}

/// The same of many, on all cores.
pub(super) fn all_judged_here(options: &str, files: &[Vec<u8>]) -> Vec<Said> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let share = files.len().div_ceil(cores).max(1);
    thread::scope(|scope| {
        let work = |files: &[Vec<u8>]| -> Vec<Said> {
            files
                .iter()
                .map(|file| judged_here(options, file))
                .collect()
        };
        #[expect(
            clippy::needless_collect,
            reason = "all are at work before the first is waited for"
        )]
        let threads: Vec<_> = files
            .chunks(share)
            .map(|files| scope.spawn(move || work(files)))
            .collect();
        let done = threads.into_iter().map(|one| one.join().expect("no panic"));
        done.flatten().collect()
    })
}

/// Runs in the page: takes the module out of it, keeps options and the sound file.
const SET_UP: &str = r"(async (options, sound) => {
    const bytes = text => Uint8Array.from(atob(text.trim()), one => one.charCodeAt(0));
    const module = await WebAssembly.compile(bytes(document.getElementById('core').textContent));
    const fresh = async () => (await WebAssembly.instantiate(module, {})).exports;
    const room = (core, name, content) => {
        // Room first: memory that grows makes older views of it useless.
        const at = core[name](content.length);
        new Uint8Array(core.memory.buffer, at, content.length).set(content);
    };
    const told = new TextEncoder().encode(options), base = bytes(sound);
    const judged = (core, file) => {
        room(core, 'options', told);
        room(core, 'file', file);
        const length = core.verify(), at = core.report();
        return new TextDecoder().decode(new Uint8Array(core.memory.buffer, at, length));
    };
    // A forgery is the sound file but for one stretch, and its end.
    const forged = ([at, cut, put, end]) => {
        const [middle, tail] = [bytes(put), bytes(end)];
        const rest = base.subarray(at + cut, base.length - tail.length);
        const file = new Uint8Array(at + middle.length + rest.length + tail.length);
        file.set(base.subarray(0, at));
        file.set(middle, at);
        file.set(rest, at + middle.length);
        file.set(tail, at + middle.length + rest.length);
        return file;
    };
    window.judge = async forgeries => {
        let core = await fresh();
        const said = [];
        for (const one of forgeries) {
            try {
                said.push(judged(core, forged(one)));
            } catch (error) {
                said.push(JSON.stringify({ tone: 'none', name: 'trap', why: String(error) }));
                core = await fresh();
            }
        }
        return said;
    };
    window.took = async () => {
        const before = performance.now();
        judged(await fresh(), base);
        return performance.now() - before;
    };
})";

/// The module in a page.
pub(super) struct Judge<'a> {
    browser: &'a mut Chromium,
    page: &'a Page,
    sound: &'a [u8],
}

/// The closing digest with its head, bytes.
const END: usize = 34;

impl<'a> Judge<'a> {
    pub(super) fn new(
        browser: &'a mut Chromium,
        page: &'a Page,
        options: &str,
        sound: &'a [u8],
    ) -> Self {
        let call = format!(
            "{SET_UP}({}, {})",
            json!(options),
            json!(STANDARD.encode(sound))
        );
        browser.awaited(page, &call);
        Self {
            browser,
            page,
            sound,
        }
    }

    /// What the module says of each forgery.
    pub(super) fn judged_there(&mut self, forgeries: &[Vec<u8>]) -> Vec<Said> {
        let patches: Vec<Value> = forgeries.iter().map(|one| self.patch(one)).collect();
        let call = format!("judge({})", Value::Array(patches));
        let said = self.browser.awaited(self.page, &call);
        let said = said.as_array().expect("a list").iter();
        said.map(|one| Said::of(one.as_str().expect("text")))
            .collect()
    }

    /// Milliseconds of verifying the sound file in a fresh instance.
    pub(super) fn took_ms(&mut self) -> f64 {
        let took = self.browser.awaited(self.page, "took()");
        took.as_f64().expect("a number")
    }

    /// Where a forgery differs: offset, bytes cut, bytes put in, end.
    fn patch(&self, forgery: &[u8]) -> Value {
        let (sound, _) = self.sound.split_at(self.sound.len() - END);
        let (altered, end) = forgery.split_at(forgery.len() - END);
        let same = |pairs: &mut dyn Iterator<Item = (&u8, &u8)>| {
            pairs.take_while(|(one, other)| one == other).count()
        };
        let at = same(&mut sound.iter().zip(altered));
        let (old, new) = (&sound[at..], &altered[at..]);
        let rest = same(&mut old.iter().rev().zip(new.iter().rev()));
        let put = &new[..new.len() - rest];
        json!([
            at,
            old.len() - rest,
            STANDARD.encode(put),
            STANDARD.encode(end)
        ])
    }
}
