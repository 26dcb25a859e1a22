//! What a consumer sees: the code that the demo prints, and the pages that codes open, on a phone
//! of 360 × 640 in Chinese and English.
//!
//! Pictures of what was seen are left in `target/screenshots`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::chromium::{Chromium, HEIGHT, Page, WIDTH};
use tests::demo::{Demo, get};

/// A reader's language: what the browser sends, and `lang` of the page.
const LANGUAGES: [(&str, &str); 2] = [("zh-CN,zh;q=0.9", "zh"), ("en-GB,en;q=0.9", "en")];

/// The most that a page may weigh with all it needs.
const PAGE_BYTES_MAX: u64 = 100_000;

/// What a page says, by the eye of its reader: nothing that is hidden counts. The proof section is
/// left out of `text`, since there the code itself is shown.
const SEEN: &str = r"(() => {
    const shown = (root, what) => [...root.querySelectorAll(what)].map(one => one.innerText.trim());
    const proof = document.querySelector('details.proof');
    const first = document.querySelector('.hero');
    const bottom = first && Math.max(...[...first.querySelectorAll('h1, .verdict, .facts dd')]
        .map(one => one.getBoundingClientRect().bottom));
    document.querySelectorAll('details').forEach(one => one.open = true);
    const wide = [...document.querySelectorAll('main *')].filter(one => {
        const box = one.getBoundingClientRect();
        return !one.closest('svg') && box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
    }).map(one => one.outerHTML.slice(0, 120));
    const width = document.documentElement.scrollWidth;
    const steps = [...document.querySelectorAll('.line > li:not(.gap)')].map(one => ({
        verb: shown(one, '.head b').join(), time: shown(one, 'time').join(),
        who: shown(one, '.who a, .who .as').join() }));
    const icon = document.querySelector('.verdict svg use');
    if (proof) proof.remove();
    return {
        lang: document.documentElement.lang, title: document.title,
        verdict: shown(document, '.verdict strong').join(),
        icon: icon && icon.getBoundingClientRect().width > 0,
        product: shown(document, '.hero h1').join(), hero: first ? first.innerText : '',
        maker: shown(document, '.hero .facts a').join(), bottom, wide, width, steps,
        gaps: document.querySelectorAll('.line > li.gap').length,
        curves: document.querySelectorAll('figure.curve svg').length,
        tests: document.querySelectorAll('.test').length,
        scripts: document.scripts.length, text: document.body.innerText };
})()";

/// The word of a verdict, in Chinese and English.
fn word(verdict: &str) -> [&'static str; 2] {
    match verdict {
        "recalled" => ["已召回", "Recalled"],
        "held" => ["暂停使用", "On hold"],
        "failed_test" => ["检验不合格", "Failed a test"],
        "expired" => ["已过期", "Expired"],
        "violation" => ["违规处置过", "Handled against the rules"],
        "unknown" => ["查无此码", "Unknown code"],
        "sold" => ["已售出或已使用", "Already sold or used"],
        "breach" => ["温度曾超限", "Temperature went out of range"],
        "broken" => ["部分记录缺失", "Some records are missing"],
        "gap" => ["温度记录有空缺", "Temperature record has gaps"],
        "complete" => ["记录完整", "Record complete"],
        other => panic!("{other} is no verdict"),
    }
}

/// Where pictures go: beside the build.
fn screenshots() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let dir = test.ancestors().nth(3).unwrap().join("screenshots");
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

pub(crate) fn save(picture: &str, name: &str) {
    let bytes = STANDARD.decode(picture).unwrap();
    std::fs::write(screenshots().join(name), bytes).unwrap();
}

/// What no page may do, whatever it says.
fn assert_well_made(page: &Page, seen: &Value, origin: &str, name: &str) {
    assert_eq!(page.complaints, [""; 0], "{name}: the browser complains");
    for request in &page.requests {
        assert!(
            request.starts_with(origin) || request.starts_with("data:"),
            "{name}: asks another host for {request}"
        );
    }
    assert!(
        page.bytes > 0 && page.bytes < PAGE_BYTES_MAX,
        "{name}: {} bytes",
        page.bytes
    );
    assert_eq!(seen["width"], WIDTH, "{name}: wider than the screen");
    assert_eq!(
        seen["wide"],
        serde_json::json!([]),
        "{name}: cut off at the screen's edge"
    );
    assert_eq!(seen["scripts"], 0, "{name}");
}

/// Names, not codes: what stands in a text that only machines read.
fn codes_in(text: &str) -> Vec<&str> {
    let word = |letter: char| !(letter.is_ascii_alphanumeric() || "-_:.".contains(letter));
    text.split(word)
        .filter(|word| {
            let digits = word.bytes().all(|byte| byte.is_ascii_digit());
            word.contains("urn:")
                || word.starts_with("http")
                || word.contains("id.gs1.org")
                // A GLN, GTIN or SSCC.
                || (digits && matches!(word.len(), 13 | 14 | 18))
                // A participant's handle.
                || (word.len() == 22 && word.bytes().any(|byte| byte.is_ascii_lowercase()))
        })
        .collect()
}

/// The rows of the code among the lines that a demo prints, and the link above it.
fn printed_code(demo: &mut Demo) -> (String, Vec<Vec<char>>) {
    let mut link = String::new();
    let mut rows: Vec<Vec<char>> = Vec::new();
    // A table, some lines for people, and a code of 25 rows or so.
    for _ in 0..200 {
        let line = demo.line();
        if line.chars().all(|letter| " █▀▄".contains(letter)) && line.contains('█') {
            rows.push(line.chars().collect());
        } else if !rows.is_empty() {
            return (link, rows);
        } else if let Some(at) = line.find("http://") {
            link = line[at..].trim().to_owned();
        }
    }
    panic!("the demo prints no code");
}

/// A printed code as pixels, 0 or 255, in rows of that width. Without colours, blocks are light.
fn pixels(rows: &[Vec<char>]) -> (usize, Vec<u8>) {
    /// Pixels a module.
    const SCALE: usize = 4;
    let light = |x: usize, y: usize| match rows[y / 2].get(x) {
        Some('█') => true,
        Some('▀') => y.is_multiple_of(2),
        Some('▄') => !y.is_multiple_of(2),
        _ => false,
    };
    let width = rows[0].len() * SCALE;
    let pixels = (0..2 * rows.len() * SCALE)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .map(|(x, y)| if light(x / SCALE, y / SCALE) { 255 } else { 0 })
        .collect();
    (width, pixels)
}

/// What the program zbarimg reads on a picture.
fn zbarimg(width: usize, pixels: &[u8], dir: &Path) -> String {
    let path = dir.join("code.pgm");
    let mut picture = format!("P5\n{width} {}\n255\n", pixels.len() / width).into_bytes();
    picture.extend_from_slice(pixels);
    std::fs::write(&path, picture).unwrap();
    let output = Command::new("zbarimg")
        .args(["--quiet", "--raw"])
        .arg(path)
        .output();
    let output = output.expect("zbarimg is missing: run tools/test.sh, which installs it");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "zbarimg reads nothing: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What the crate rqrr reads on it.
fn rqrr(width: usize, pixels: &[u8]) -> String {
    let height = pixels.len() / width;
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code");
    grids[0].decode().unwrap().1
}

#[test]
fn the_printed_code_opens_the_whole_story_in_both_languages() {
    let mut demo = Demo::start(&[]);
    let (link, rows) = printed_code(&mut demo);
    let (width, pixels) = pixels(&rows);
    let scanned = zbarimg(width, &pixels, demo.dir());
    assert_eq!(scanned, link);
    assert_eq!(rqrr(width, &pixels), link);

    let answer: Value = serde_json::from_slice(&get(&scanned, "application/json").body).unwrap();
    let steps = answer["steps"].as_array().unwrap().len();
    let product = &answer["products"][answer["subject"]["product"].as_str().unwrap()]["name"];
    let maker = &answer["participants"][answer["subject"]["maker"].as_str().unwrap()]["name"];
    let origin = &link[..link.find("/01/").unwrap()];
    let mut browser = Chromium::start();
    let english = format!("{link}?lang=en");
    // As the browser says, as the reader chose, and as a reader of neither language gets it.
    for (url, languages, lang) in [
        (&link, LANGUAGES[0].0, "zh"),
        (&link, LANGUAGES[1].0, "en"),
        (&english, LANGUAGES[0].0, "en"),
        (&link, "fr-FR,fr;q=0.9", "zh"),
    ] {
        let page = browser.open(url, languages);
        let name = format!("{url} for {languages}");
        let seen = browser.evaluate(&page, SEEN);
        assert_well_made(&page, &seen, origin, &name);
        assert_eq!(seen["lang"], lang, "{name}");
        assert_eq!(
            seen["verdict"],
            word("complete")[usize::from(lang == "en")],
            "{name}"
        );
        assert_eq!(seen["product"], product[lang], "{name}");
        assert_eq!(seen["maker"], maker[lang], "{name}");
        assert!(
            seen["hero"].as_str().unwrap().contains("WT-5326"),
            "{name}: the lot"
        );
        let told = seen["steps"].as_array().unwrap();
        assert_eq!(told.len(), steps, "{name}: steps told");
        assert!(steps > 30, "from chilli and beans to the shelf");
        browser.close(page);
    }
}

#[test]
fn every_chain_says_its_verdict_on_the_first_screen_in_both_languages() {
    let mut demo = Demo::start(&["--json"]);
    let started = demo.value();
    let origin = started["nodes"][0]["url"].as_str().unwrap();
    let expected = include_str!("../../schemas/examples/chains.json");
    let expected: Value = serde_json::from_str(expected).unwrap();
    let expected = expected["chains"].as_array().unwrap();
    let chains = started["chains"].as_array().unwrap();
    assert_eq!(chains.len(), expected.len());
    let mut browser = Chromium::start();
    for (chain, expected) in chains.iter().zip(expected) {
        let name = expected["name"].as_str().unwrap();
        let verdict = expected["verdict"].as_str().unwrap();
        let url = chain["url"].as_str().unwrap();
        let answer: Value = serde_json::from_slice(&get(url, "application/json").body).unwrap();
        for ((languages, lang), word) in LANGUAGES.into_iter().zip(word(verdict)) {
            let page = browser.open(url, languages);
            let at = format!("{name}, {lang}");
            save(&browser.first_screen(&page), &format!("{name}-{lang}.png"));
            save(
                &browser.whole_page(&page),
                &format!("{name}-{lang}-whole.png"),
            );
            let seen = browser.evaluate(&page, SEEN);
            assert_well_made(&page, &seen, origin, &at);
            assert_eq!(seen["lang"], lang, "{at}");
            assert_eq!(seen["verdict"], word, "{at}");
            assert_eq!(seen["icon"], true, "{at}: an icon beside the word");
            let bottom = seen["bottom"].as_f64().unwrap();
            assert!(
                bottom <= f64::from(HEIGHT),
                "{at}: the first screen ends at {bottom}"
            );
            if verdict != "unknown" {
                assert_story(&seen, &answer, chain, lang, &at);
            }
            browser.close(page);
        }
    }
}

/// Holds what is told against the answer's JSON.
fn assert_story(seen: &Value, answer: &Value, chain: &Value, lang: &str, at: &str) {
    let subject = &answer["subject"];
    let name = |kind: &str, id: &Value| answer[kind][id.as_str().unwrap()]["name"][lang].clone();
    assert_eq!(
        seen["product"],
        name("products", &subject["product"]),
        "{at}"
    );
    assert_eq!(
        seen["maker"],
        name("participants", &subject["maker"]),
        "{at}"
    );
    let hero = seen["hero"].as_str().unwrap();
    for fact in ["lot", "serial", "expiry"] {
        if let Some(value) = subject[fact].as_str() {
            assert!(
                hero.contains(value),
                "{at}: {fact} {value} is not on the first screen"
            );
        }
    }
    let steps = seen["steps"].as_array().unwrap();
    assert_eq!(
        Some(u64::try_from(steps.len()).unwrap()),
        chain["events"].as_u64(),
        "{at}: steps"
    );
    for (number, step) in steps.iter().enumerate() {
        for part in ["verb", "time", "who"] {
            assert_ne!(step[part], "", "{at}: step {number} has no {part}");
        }
    }
    let gaps = seen["gaps"].as_u64().unwrap();
    let breaks = answer["breaks"].as_array().unwrap();
    assert_eq!(
        gaps > 0,
        !breaks.is_empty(),
        "{at}: what is missing is said in its place"
    );
    let stretches = answer["temperature"].as_array().unwrap().len();
    assert_eq!(
        seen["curves"].as_u64().unwrap() > 0,
        stretches > 0,
        "{at}: curves"
    );
    assert_eq!(
        seen["tests"].as_u64().unwrap() > 0,
        !answer["tests"].as_array().unwrap().is_empty(),
        "{at}: tests"
    );
    let text = seen["text"].as_str().unwrap();
    let codes = codes_in(text);
    let own = [subject["lot"].as_str(), subject["serial"].as_str()];
    let strange: Vec<_> = codes
        .into_iter()
        .filter(|code| !own.contains(&Some(code)))
        .collect();
    assert_eq!(strange, [""; 0], "{at}: names, not codes");
}

#[test]
fn a_code_that_leads_nowhere_opens_a_page_that_helps() {
    let mut demo = Demo::start(&["--json"]);
    let started = demo.value();
    let origin = started["nodes"][0]["url"].as_str().unwrap();
    let mut browser = Chromium::start();
    let mut faults = String::new();
    for (name, path, status, [zh, en]) in [
        ("home", "/", 200, ["查来源", "Look up where it comes from"]),
        (
            "no-such-lot",
            "/01/06909813001010/10/NO-SUCH",
            404,
            word("unknown"),
        ),
        (
            "wrong-check-digit",
            "/01/06909813001011/10/A",
            400,
            ["这个码读不懂", "This code cannot be read"],
        ),
        (
            "not-a-code",
            "/trace?code=hello%20%3Cworld%3E",
            400,
            ["这个码读不懂", "This code cannot be read"],
        ),
        (
            "bare-gtin",
            "/01/06909813001010",
            200,
            ["请输入批号", "Which lot is it?"],
        ),
        (
            "another-product",
            "/01/06901234567892",
            200,
            ["请输入批号", "Which lot is it?"],
        ),
        ("no-such-page", "/nowhere", 404, ["没有", "No"]),
        ("docs", "/docs", 200, ["接口说明", "The API"]),
    ] {
        let url = format!("{origin}{path}");
        assert_eq!(get(&url, "text/html").status, status, "{name}");
        for ((languages, lang), says) in LANGUAGES.into_iter().zip([zh, en]) {
            let page = browser.open(&url, languages);
            save(&browser.first_screen(&page), &format!("{name}-{lang}.png"));
            save(
                &browser.whole_page(&page),
                &format!("{name}-{lang}-whole.png"),
            );
            let seen = browser.evaluate(&page, SEEN);
            assert_well_made(&page, &seen, origin, name);
            assert_eq!(seen["lang"], lang, "{name}");
            let text = seen["text"].as_str().unwrap();
            if !text.contains(says) {
                // Writing to a string cannot fail.
                let _infallible = writeln!(faults, "{name}, {lang}: no {says:?} in {text:?}");
            }
            browser.close(page);
        }
    }
    assert_eq!(faults, "");
}
