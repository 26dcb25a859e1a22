use super::fixtures::{self, VERDICTS, at, page, text, with};
use super::*;
use ledger::provenance::answer::{Grade, StepKind, Verdict};
use ledger_web::catalogue::Key;
use std::fs;
use std::path::Path;

const BOTH: [Lang; 2] = [Lang::Zh, Lang::En];

fn chinese(text: &str) -> bool {
    text.chars()
        .any(|character| ('\u{3000}'..='\u{9fff}').contains(&character))
}

/// What a reader sees: the page without its tags.
fn seen(html: &str) -> String {
    let mut text = String::new();
    for piece in html.split('<') {
        text.push_str(piece.split_once('>').map_or("", |(_, text)| text));
    }
    text
}

#[test]
fn every_text_is_there_in_both_languages() {
    // These are numbers, signs and names of languages.
    let same = [
        Key::HomeExample,
        Key::OtherLanguage,
        Key::Semicolon,
        Key::And,
    ];
    for key in Key::ALL {
        let (zh, en) = key.both();
        assert!(!zh.trim().is_empty() && !en.is_empty(), "{key:?}");
        if !same.contains(key) {
            assert!(chinese(zh), "{key:?}: {zh}");
            assert!(!chinese(en), "{key:?}: {en}");
        }
        for place in ["{0}", "{1}", "{2}"] {
            let dates = [Key::DateOfThisYear].contains(key);
            assert!(
                dates || zh.contains(place) == en.contains(place),
                "{key:?} lacks {place}"
            );
        }
    }
}

#[test]
fn no_text_claims_that_goods_are_genuine() {
    for key in Key::ALL {
        let (zh, en) = key.both();
        let en = en.to_lowercase();
        for word in ["正品", "真品", "authentic", "genuine"] {
            assert!(
                !zh.contains(word) && !en.contains(word),
                "{key:?} says {word}"
            );
        }
    }
}

#[test]
fn templates_hold_no_text_of_their_own() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let source = fs::read_to_string(&path).unwrap();
        assert!(!chinese(&source), "{}", path.display());
        // Take out expressions and statements, then tags: nothing with letters may be left.
        let mut bare = source;
        for (open, close) in [("{{", "}}"), ("{%", "%}"), ("{#", "#}")] {
            while let Some((before, after)) = bare.split_once(open) {
                bare = format!("{before}\u{1}{}", after.split_once(close).unwrap().1);
            }
        }
        for attribute in [
            "aria-label=\"",
            "title=\"",
            "alt=\"",
            "placeholder=\"",
            "content=\"",
        ] {
            for value in bare
                .split(attribute)
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap())
            {
                let technical = value.starts_with("width=")
                    || ["telephone=no", "light dark"].contains(&value)
                    || !value.chars().any(char::is_alphabetic);
                assert!(technical, "{}: {attribute}{value}", path.display());
            }
        }
        let left = seen(&format!("<>{bare}"));
        assert!(
            !left.chars().any(char::is_alphabetic),
            "{}: {left}",
            path.display()
        );
        files += 1;
    }
    assert!(files > 7, "templates not found");
}

#[test]
fn each_verdict_shows_its_word_its_icon_and_its_advice() {
    for lang in BOTH {
        for verdict in VERDICTS {
            let html = answer(&with(verdict), &page(lang));
            let text = seen(&html);
            let word = lang.t(catalogue::verdict(verdict));
            assert!(text.contains(word), "{verdict:?} {lang:?}");
            assert!(
                html.contains(&format!("<strong>{word}</strong>")),
                "{verdict:?}"
            );
            assert!(
                text.contains(lang.t(catalogue::advice(verdict, None))),
                "{verdict:?} {lang:?}"
            );
            let (tone, icon) = view::look(verdict);
            assert!(
                html.contains(&format!("class=\"verdict {tone}\"")),
                "{verdict:?}"
            );
            let symbol = format!("href=\"#i-{icon}\"");
            assert!(html.contains(&symbol), "{verdict:?}");
            assert!(
                html.contains(&format!("id=\"i-{icon}\"")),
                "{icon} is not drawn"
            );
            assert_eq!(
                html.contains("role=\"alert\""),
                tone == "stop",
                "{verdict:?}"
            );
        }
    }
}

#[test]
fn the_first_screen_names_product_lot_expiry_and_maker() {
    let html = seen(&answer(&fixtures::complete(), &page(Lang::En)));
    let story = html.rfind(Lang::En.t(Key::Story)).unwrap();
    for wanted in [
        "Chilled pork loin",
        "PH-8807",
        "2026-11-26",
        "3 days left",
        "Chengdu Puhe Meat Processing Co., Ltd.",
        "Jianyang City",
        "3 days ago",
    ] {
        let found = html.find(wanted);
        assert!(
            found.is_some_and(|found| found < story),
            "{wanted} is not above the story"
        );
    }
}

#[test]
fn the_story_names_who_signs_and_where_and_never_shows_a_bare_code() {
    for (lang, names) in [
        (
            Lang::Zh,
            [
                "简阳浅丘生态养殖有限公司",
                "浅丘生态养殖场",
                "霜径冷藏车07号",
                "武侯区",
                "商品生猪",
            ],
        ),
        (
            Lang::En,
            [
                "Jianyang Qianqiu Ecological Livestock Co., Ltd.",
                "Qianqiu pig farm",
                "Shuangjing refrigerated truck no. 07",
                "Wuhou District",
                "Fattened pigs",
            ],
        ),
    ] {
        let html = seen(&answer(&fixtures::complete(), &page(lang)));
        for name in names {
            assert!(html.contains(name), "{name}");
        }
        let (above, proof) = html.split_once(lang.t(Key::ProofTitle)).unwrap();
        for code in ["id.gs1.org", "06909820001010", "urn:", "510107", "AgICAgIC"] {
            assert!(!above.contains(code), "{code} is shown");
        }
        assert!(
            proof.contains("(01)06909820001010(10)PH-8807"),
            "the proof names the code"
        );
    }
}

#[test]
fn marks_say_what_is_late_doubtful_or_corrected() {
    let mut answer_ = fixtures::complete();
    answer_.steps[5].suspect = true;
    answer_.steps[6].corrected = Some("wrong count".to_owned());
    answer_.steps[7].signer = Some(fixtures::LAB);
    let text = seen(&answer(&answer_, &page(Lang::En)));
    for wanted in [
        "recorded late, on 21 Nov 09:00",
        "the signing key was revoked later",
        "its signer declared this record wrong: wrong count",
        "on behalf of Chengdu Puhe Meat Processing Co., Ltd.",
    ] {
        assert!(text.contains(wanted), "{wanted}");
    }
}

#[test]
fn a_story_mostly_recorded_late_says_so_once() {
    let mut told = fixtures::complete();
    for step in &mut told.steps {
        step.late = true;
    }
    let text = seen(&answer(&told, &page(Lang::En)));
    let wanted = format!(
        "{} of these steps were recorded more than a day after they happened",
        told.steps.len()
    );
    assert_eq!(text.matches(&wanted).count(), 1);
    assert!(!text.contains("recorded late, on"));
}

#[test]
fn a_recall_shows_who_recalled_not_who_cleared_the_shelf() {
    let mut recalled = with(Verdict::Recalled);
    let mut removed = recalled.steps[recalled.steps.len() - 1].clone();
    removed.biz_step = Some("removing".to_owned());
    removed.issuer = fixtures::SHOP;
    recalled.steps.push(removed);
    let html = answer(&recalled, &page(Lang::En));
    let card = html.split("stopcard").nth(1).unwrap();
    let card = card.split("</section>").next().unwrap();
    assert!(
        card.contains("Held back") && !card.contains("Removed"),
        "{card}"
    );
}

#[test]
fn a_finding_says_how_grave_under_which_article_whose_and_what_mends_it() {
    for (lang, words) in [
        (
            Lang::En,
            [
                "A vaccine was accepted without its whole temperature record",
                "forbidden",
                "Vaccine Administration Law, art. 39",
                "To be dealt with by",
                "get the whole record from whoever delivered it",
                "mended and closed on",
            ],
        ),
        (
            Lang::Zh,
            [
                "没有全程温度记录就接收了疫苗",
                "禁止",
                "疫苗管理法第39条",
                "应由",
                "索要全程温度记录",
                "补齐，关闭",
            ],
        ),
    ] {
        let text = seen(&answer(&with(Verdict::Violation), &page(lang)));
        for wanted in words {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
    }
    // What is closed asks nobody for anything.
    let text = seen(&answer(&with(Verdict::Violation), &page(Lang::En)));
    assert_eq!(text.matches("How to mend it").count(), 1);
}

#[test]
fn a_curve_tells_coverage_worst_value_and_mean_kinetic_temperature() {
    let text = seen(&answer(&with(Verdict::Gap), &page(Lang::En)));
    for wanted in [
        "Covered by readings",
        "57 %",
        "Mean kinetic temperature",
        "2.5 °C",
    ] {
        assert!(text.contains(wanted), "{wanted}");
    }
}

#[test]
fn an_order_shows_why_by_whom_since_when_under_which_case_and_what_to_do() {
    use ledger::order::Fault;
    use ledger::provenance::answer::StopKind;
    let mut held = with(Verdict::Held);
    for (lang, wanted) in [
        (
            Lang::En,
            [
                "On hold",
                "Put on hold",
                "a banned veterinary drug was found",
                "2026-17",
                "level 1",
                "22 Nov",
                "To be decided by",
                "GB 31658.17",
                "before the outcome",
            ],
        ),
        (
            Lang::Zh,
            [
                "暂停使用",
                "原因",
                "检出禁用兽药",
                "2026-17",
                "一级",
                "11月23日",
                "处理期限",
                "GB 31658.17",
                "结论出来之前",
            ],
        ),
    ] {
        let text = seen(&answer(&held, &page(lang)));
        for one in wanted {
            assert!(text.contains(one), "{one}: {text}");
        }
    }
    // A wrong label asks for something else than poison.
    held.verdict = Verdict::Recalled;
    held.orders = vec![fixtures::order(StopKind::Recall, Fault::Label)];
    assert!(seen(&answer(&held, &page(Lang::En))).contains("The label is wrong"));
    held.orders = vec![fixtures::order(StopKind::Recall, Fault::Safety)];
    assert!(seen(&answer(&held, &page(Lang::En))).contains("Do not eat or use it."));
}

#[test]
fn a_text_in_both_languages_is_shown_in_the_readers() {
    for (text, zh, en) in [
        ("散装 / loose", "散装", "loose"),
        ("24 / 36 pieces", "24 / 36 pieces", "24 / 36 pieces"),
        ("500 g", "500 g", "500 g"),
    ] {
        assert_eq!(names::half(Lang::Zh, text), zh);
        assert_eq!(names::half(Lang::En, text), en);
    }
}

#[test]
fn a_break_stands_in_its_place_and_says_whose_it_is() {
    for lang in BOTH {
        let broken = with(Verdict::Broken);
        let html = answer(&broken, &page(lang));
        let whose = match lang {
            Lang::Zh => "应由 成都霜径冷链运输有限公司 补录",
            Lang::En => "To be added by Chengdu Shuangjing Cold Chain Transport Co., Ltd.",
        };
        assert_eq!(
            html.matches(whose).count(),
            2,
            "in the summary and in the story"
        );
        assert!(html.contains(lang.t(Key::BreakReceiptFix)));
        let gap = html.find("class=\"gap\"").unwrap();
        let shipped = html
            .find(&format!("<b>{}</b><time", lang.t(Key::StepShipped)))
            .unwrap();
        let shelf = html
            .find(&format!("<b>{}</b>", lang.t(Key::BizStocking)))
            .unwrap();
        assert!(
            shipped < gap && gap < shelf,
            "after the shipment, before the shelf"
        );
    }
}

#[test]
fn nothing_from_outside_becomes_markup() {
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=y>";
    let mut bad = with(Verdict::Broken);
    bad.subject.lot = Some(evil.to_owned());
    bad.subject.expiry = Some(evil.to_owned());
    bad.item = evil.to_owned();
    for party in bad.participants.values_mut() {
        party.name = text(evil, evil);
    }
    for product in bad.products.values_mut() {
        product.name = text(evil, evil);
        product.net_content = evil.to_owned();
    }
    for place in bad.places.values_mut() {
        place.name = text(evil, evil);
    }
    for test in &mut bad.tests {
        test.document = Some(evil.to_owned());
        for line in &mut test.lines {
            line.name = text(evil, evil);
            line.value = evil.to_owned();
            line.unit = evil.to_owned();
        }
    }
    bad.steps[0].corrected = Some(evil.to_owned());
    bad.breaks[0].whose = Some(evil.to_owned());
    bad.temperature = vec![fixtures::stretch(Grade::Breach)];
    let mut context = page(Lang::Zh);
    context.here = format!("/trace?code={evil}");
    context.origin = evil.to_owned();
    let party = bad.participants[&fixtures::MAKER].clone();
    let product = bad.products.values().next().cloned();
    let api = serde_json::json!({"paths": {evil: {"get": {"summary": evil,
        "parameters": [{"name": evil}], "responses": {"200": {"description": evil}}}}}});
    for html in [
        answer(&bad, &context),
        unknown(evil, &context),
        malformed(evil, evil, &context),
        foreign(evil, &context),
        problem(404, evil, evil, &context),
        ask_lot(product.as_ref(), evil, &context),
        participant(fixtures::MAKER, &party, &context),
        home(&context),
        api_docs(&api, evil, &context),
    ] {
        assert!(!html.is_empty());
        assert!(
            !html.contains("<script") && !html.contains("<img"),
            "{html}"
        );
        assert!(!html.contains("\"'>"), "{html}");
    }
}

#[test]
fn pages_ask_no_other_host_and_run_no_script() {
    for verdict in VERDICTS {
        let html = answer(&with(verdict), &page(Lang::Zh));
        for word in [
            "<script",
            " style=\"",
            "src=",
            "onclick",
            "@import",
            "href=\"http",
            "//",
        ] {
            assert!(!html.contains(word), "{verdict:?} contains {word}");
        }
    }
}

#[test]
fn the_proof_leads_to_another_regions_verifier_or_says_whose_this_one_is() {
    for lang in [Lang::Zh, Lang::En] {
        let mut page = page(lang);
        let own = answer(&fixtures::complete(), &page);
        assert!(own.contains(lang.t(Key::ProofHere)));
        // As `decodeURIComponent` undoes it: a slash inside a lot stays one.
        assert!(own.contains("10%2FPH%252F8807\""), "{own}");
        assert!(
            own.contains(&format!("href=\"/verify?lang={}#", lang.tag())),
            "{own}"
        );
        let proof = page.proof.as_mut().unwrap();
        proof.verifiers = vec!["https://cq.example/verify".to_owned()];
        let other = answer(&fixtures::complete(), &page);
        assert!(other.contains(lang.t(Key::ProofElsewhere)));
        assert!(
            other.contains("href=\"https://cq.example/verify?lang="),
            "{other}"
        );
        assert!(!other.contains("href=\"/verify"), "{other}");
    }
}

#[test]
fn a_chain_of_thirty_events_takes_less_than_40_kb_and_the_longest_page_less_than_100() {
    let style = asset(asset::style_path()).unwrap().1.len();
    let mut long = fixtures::complete();
    let pattern = long.steps.clone();
    let grow = |answer: &mut Answer, count: usize| {
        answer.steps = pattern.iter().cycle().take(count).cloned().collect();
    };
    grow(&mut long, 30);
    let size = answer(&long, &page(Lang::Zh)).len() + style;
    assert!(size < 40_000, "{size} bytes");

    // Everything at its limit and every name as long as names get.
    grow(&mut long, 5_000);
    long.tests = long.tests.iter().cycle().take(500).cloned().collect();
    for test in &mut long.tests {
        test.lines = test.lines.iter().cycle().take(99).cloned().collect();
    }
    long.temperature = vec![fixtures::stretch(Grade::Breach); 40];
    for party in long.participants.values_mut() {
        party.name.zh = "长".repeat(500);
    }
    let html = answer(&long, &page(Lang::Zh));
    let size = html.len() + style;
    assert!(size < 100_000, "{size} bytes");
    assert!(html.contains("另有 4940 步"), "what is left out is said");
}

#[test]
fn long_stories_fold_their_ingredients_and_short_ones_do_not() {
    let mut story = fixtures::complete();
    assert!(answer(&story, &page(Lang::En)).contains("<details class=\"branch\"><summary>"));
    story.steps.truncate(8);
    assert!(answer(&story, &page(Lang::En)).contains("<details class=\"branch\" open>"));
}

#[test]
fn the_curve_shades_limits_and_marks_what_left_them_and_what_is_missing() {
    let html = |grade| {
        let verdict = Answer {
            temperature: vec![fixtures::stretch(grade)],
            ..fixtures::complete()
        };
        answer(&verdict, &page(Lang::En))
    };
    let proved = html(Grade::Proved);
    assert!(proved.contains("class=\"band\"") && proved.contains("class=\"temp\""));
    assert!(!proved.contains("class=\"breach\"") && !proved.contains("class=\"nodata\""));

    let breach = html(Grade::Breach);
    assert_eq!(breach.matches("class=\"breach\"").count(), 1);
    let label = breach
        .split("aria-label=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    for wanted in [
        "limits 0 to 4 °C",
        "highest 7.7 °C",
        "out of range for 35 min",
        "Shuangjing",
    ] {
        assert!(label.contains(wanted), "{wanted} not in {label}");
    }
    assert!(
        seen(&breach).contains("from 20 Nov 09:30 for 35 min, worst 7.7 °C"),
        "in the table"
    );

    let gap = html(Grade::Gap);
    assert_eq!(gap.matches("class=\"nodata\"").count(), 1);
    assert!(seen(&gap).contains("no data") && gap.contains("longest time without data 2 h 5 min"));
    let path = gap
        .split("id=\"p0\" d=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert_eq!(
        path.matches('M').count(),
        2,
        "the line is broken at the gap"
    );
}

#[test]
fn excursions_hold_until_the_next_reading() {
    let mut stretch = fixtures::stretch(Grade::Proved);
    stretch.readings = vec![
        (at("2026-11-20T07:20"), 20),
        (at("2026-11-20T08:00"), 50),
        (at("2026-11-20T08:10"), 78),
        (at("2026-11-20T08:35"), 30),
        (at("2026-11-20T11:40"), -5),
    ];
    let found = curve::excursions(&stretch);
    let facts: Vec<_> = found.iter().map(|one| (one.minutes, one.worst)).collect();
    assert_eq!(
        facts,
        [(35, 78), (10, -5)],
        "the last holds to the stretch's end"
    );
    assert_eq!(curve::celsius(-185), "−18.5 °C");
}

#[test]
fn a_curve_without_readings_or_time_is_drawn_all_the_same() {
    let mut empty = fixtures::stretch(Grade::Gap);
    empty.readings.clear();
    empty.lowest_tenths = None;
    empty.highest_tenths = None;
    empty.until = empty.from;
    let story = Answer {
        temperature: vec![empty],
        ..fixtures::complete()
    };
    assert!(seen(&answer(&story, &page(Lang::En))).contains("no readings"));
}

#[test]
fn a_name_in_the_other_language_says_so() {
    let mut story = fixtures::complete();
    for product in story.products.values_mut() {
        product.name.en.clear();
    }
    assert!(answer(&story, &page(Lang::En)).contains("<span lang=\"zh\">冷鲜猪里脊</span>"));
}

#[test]
fn language_comes_from_the_query_then_the_browser_then_chinese() {
    for (query, header, want) in [
        (None, None, Lang::Zh),
        (Some("en"), Some("zh-CN"), Lang::En),
        (Some("xx"), Some("en-GB,en;q=0.9"), Lang::En),
        (None, Some("fr, en;q=0.3, zh;q=0.7"), Lang::Zh),
        (None, Some("en;q=0.8,zh-CN;q=0.8"), Lang::En),
        (None, Some("en;q=0"), Lang::Zh),
        (None, Some("en;q=nonsense, ;;,"), Lang::Zh),
    ] {
        assert_eq!(Lang::choose(query, header), want, "{query:?} {header:?}");
    }
}

#[test]
fn the_other_language_is_one_link_away() {
    let mut context = page(Lang::Zh);
    assert!(home(&context).contains("?lang=en\" lang=\"en\""));
    context.here = "/trace?code=A".to_owned();
    assert!(home(&context).contains("href=\"/trace?code=A&#38;lang=en\""));
}

#[test]
fn a_bare_product_code_asks_for_the_lot() {
    let story = fixtures::complete();
    let product = story.products.values().next_back();
    let html = ask_lot(product, "06909820001010", &page(Lang::Zh));
    assert!(html.contains("action=\"/trace\" method=\"get\""));
    assert!(html.contains("name=\"code\" value=\"06909820001010\""));
    assert!(html.contains("name=\"lot\""));
    assert!(html.contains("冷鲜猪里脊"));
}

#[test]
fn the_api_page_lists_operations_with_shared_parameters() {
    let api = serde_json::json!({
        "paths": {"/trace": {
            "parameters": [{"$ref": "#/components/parameters/code"}],
            "get": {"summary": "Resolve a code", "responses": {"200": {"description": "The answer"}}}
        }},
        "components": {"parameters": {"code": {"name": "code", "in": "query", "required": true}}}
    });
    let text = seen(&api_docs(&api, "/openapi.json", &page(Lang::En)));
    for wanted in [
        "GET",
        "/trace",
        "Resolve a code",
        "code",
        "query",
        "required",
        "200",
    ] {
        assert!(text.contains(wanted), "{wanted}");
    }
}

#[test]
fn the_proof_says_what_it_does_not_show() {
    for lang in BOTH {
        let text = seen(&answer(&fixtures::complete(), &page(lang)));
        assert!(
            text.contains(lang.t(Key::ProofLimits)) && text.contains(lang.t(Key::ProofNoWitness))
        );
        assert!(text.contains("4217") && text.contains("suyuan verify PH-8807.cbor"));
    }
}

#[test]
fn a_style_sheet_is_served_under_its_hash_only() {
    let path = asset::style_path();
    assert!(home(&page(Lang::Zh)).contains(path));
    assert_eq!(asset(path).unwrap().0, "text/css; charset=utf-8");
    assert!(asset("/assets/suyuan.css").is_none() && asset("/assets/../Cargo.toml").is_none());
}

#[test]
fn a_verb_is_plain_whatever_form_the_business_step_has() {
    for form in [
        "shipping",
        "urn:epcglobal:cbv:bizstep:loading",
        "cbv:BizStep-loading",
    ] {
        let key = catalogue::verb(StepKind::Packed, Some(form));
        let want = if form == "shipping" {
            Key::StepPacked
        } else {
            Key::BizLoading
        };
        assert_eq!(key, want, "{form}");
    }
    assert_eq!(catalogue::verb(StepKind::Other, None), Key::StepOther);
}
