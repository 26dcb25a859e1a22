//! Answers made by hand, one per verdict: for the tests, and for looking at pages.

use ledger::ids::{Handle, LeafIndex, TreeSize, UnixMillis};
use ledger::order::{Fault, Level, Reach};
use ledger::policy::{Policy, Sector};
use ledger::provenance::answer::{
    Break, BreakKind, Finding, Free, Grade, Limits, Moment, Party, Place, Product, Rule, Step,
    StepKind, Stop, StopKind, Stretch, Subject, Test, TestLine, Text, Verdict,
};
use ledger::provenance::{Answer, Scope};
use ledger::state::Role;
use ledger::store::EventRef;
use ledger::time;
use std::collections::BTreeMap;

use super::{Checkpoint, Lang, PageContext, Proof};

pub(crate) const FARM: Handle = Handle([1; 16]);
pub(crate) const MAKER: Handle = Handle([2; 16]);
pub(crate) const CARRIER: Handle = Handle([3; 16]);
pub(crate) const SHOP: Handle = Handle([4; 16]);
pub(crate) const LAB: Handle = Handle([5; 16]);

pub(crate) const ITEM: &str = "https://id.gs1.org/01/06909820001010/10/PH-8807";
const PRODUCT: &str = "https://id.gs1.org/01/06909820001010";
const PIGS: &str = "https://id.gs1.org/01/06909819001014";
const PIGS_LOT: &str = "https://id.gs1.org/01/06909819001014/10/SZ-221";
const FARM_PLACE: &str = "https://id.gs1.org/414/6909819000017";
const PLANT: &str = "https://id.gs1.org/414/6909820000013";
const TRUCK: &str = "https://id.gs1.org/414/6909816000010";
const STORE: &str = "https://id.gs1.org/414/6909818000018";

pub(crate) fn at(text: &str) -> Moment {
    time::parse(&format!("{text}:00+08:00")).map_or(Moment(UnixMillis(0)), Moment)
}

pub(crate) fn text(zh: &str, en: &str) -> Text {
    Text {
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}

fn party(zh: &str, en: &str, district: &str, role: Role) -> Party {
    Party {
        name: text(zh, en),
        district: district.to_owned(),
        roles: vec![role],
        ..Party::default()
    }
}

fn product(zh: &str, en: &str, content: &str, class: &str) -> Product {
    Product {
        name: text(zh, en),
        net_content: content.to_owned(),
        storage_class: class.to_owned(),
        ..Product::default()
    }
}

fn place(zh: &str, en: &str, district: &str, kind: &str) -> Place {
    Place {
        name: text(zh, en),
        district: district.to_owned(),
        kind: kind.to_owned(),
    }
}

pub(crate) fn event(leaf: u64) -> EventRef {
    EventRef {
        leaf: LeafIndex(leaf),
        index: 0,
    }
}

/// One step: its leaf, depth, kind and business step, time, issuer and place.
pub(crate) fn step(
    (leaf, depth): (u64, u32),
    (kind, biz_step): (StepKind, &str),
    time: &str,
    issuer: Handle,
    place: &str,
) -> Step {
    let item = if depth == 0 { ITEM } else { PIGS_LOT };
    Step {
        at: event(leaf),
        event_id: None,
        kind,
        biz_step: Some(format!("https://ref.gs1.org/cbv/BizStep-{biz_step}")),
        time: at(time),
        offset: "+08:00".to_owned(),
        recorded: at(time),
        late: false,
        issuer,
        signer: None,
        suspect: false,
        corrected: None,
        concerns: vec![item.to_owned()],
        inputs: Vec::new(),
        outputs: Vec::new(),
        place: Some(place.to_owned()),
        counterpart: None,
        depth,
        imported: None,
        free: Free::Whole,
    }
}

fn steps() -> Vec<Step> {
    use StepKind as Is;
    let mut steps = vec![
        step(
            (1, 1),
            (Is::Origin, "commissioning"),
            "2026-05-02T08:00",
            FARM,
            FARM_PLACE,
        ),
        step(
            (2, 1),
            (Is::Tested, "inspecting"),
            "2026-11-19T06:30",
            LAB,
            FARM_PLACE,
        ),
        step(
            (3, 1),
            (Is::Shipped, "shipping"),
            "2026-11-19T07:10",
            FARM,
            FARM_PLACE,
        ),
        step(
            (4, 1),
            (Is::Received, "receiving"),
            "2026-11-19T10:05",
            MAKER,
            PLANT,
        ),
        step(
            (5, 0),
            (Is::Made, "commissioning"),
            "2026-11-20T03:30",
            MAKER,
            PLANT,
        ),
        step(
            (6, 0),
            (Is::Tested, "inspecting"),
            "2026-11-20T05:00",
            LAB,
            PLANT,
        ),
        step(
            (7, 0),
            (Is::Packed, "packing"),
            "2026-11-20T06:10",
            MAKER,
            PLANT,
        ),
        step(
            (8, 0),
            (Is::Shipped, "shipping"),
            "2026-11-20T07:00",
            MAKER,
            PLANT,
        ),
        step(
            (9, 0),
            (Is::Carried, "transporting"),
            "2026-11-20T07:20",
            CARRIER,
            TRUCK,
        ),
        step(
            (10, 0),
            (Is::Received, "receiving"),
            "2026-11-20T11:50",
            SHOP,
            STORE,
        ),
        step(
            (11, 0),
            (Is::Stocked, "stocking"),
            "2026-11-20T12:40",
            SHOP,
            STORE,
        ),
    ];
    steps[3].late = true;
    steps[3].recorded = at("2026-11-21T09:00");
    steps[9].counterpart = Some(CARRIER.to_string());
    steps
}

fn limits() -> Limits {
    Limits {
        version: 1,
        class: "CHILLED_MEAT".to_owned(),
        lowest_tenths: Some(0),
        highest_tenths: Some(40),
        interval_minutes: 10,
        source: "GB/T 24616-2019".to_owned(),
        confirmed: false,
    }
}

/// Readings every five minutes from 07:20 to 11:50, in tenths of °C.
pub(crate) fn stretch(grade: Grade) -> Stretch {
    let (from, until) = (at("2026-11-20T07:20"), at("2026-11-20T11:50"));
    let mut readings = Vec::new();
    for (number, minute) in (0_i64..=270).step_by(5).enumerate() {
        let wave = [0, 2, 3, 1, -1, -2][number % 6];
        let warm = if grade == Grade::Breach {
            match minute {
                130 => 21,
                135 | 150 => 38,
                140 => 56,
                145 => 50,
                155 => 30,
                160 => 24,
                _ => 0,
            }
        } else {
            0
        };
        if grade == Grade::Gap && (120..240).contains(&minute) {
            continue;
        }
        readings.push((
            Moment(UnixMillis(from.0.0 + minute * 60_000)),
            22 + wave + warm,
        ));
    }
    Stretch {
        container: TRUCK.to_owned(),
        holder: CARRIER,
        from,
        until,
        limits: limits(),
        grade,
        outside_minutes: if grade == Grade::Breach { 35 } else { 0 },
        longest_gap_minutes: if grade == Grade::Gap { 125 } else { 5 },
        covered_percent: if grade == Grade::Gap { 57 } else { 100 },
        lowest_tenths: readings.iter().map(|(_, tenths)| *tenths).min(),
        highest_tenths: readings.iter().map(|(_, tenths)| *tenths).max(),
        worst_tenths: readings.iter().map(|(_, tenths)| *tenths).max(),
        mean_kinetic_tenths: Some(25),
        events: vec![event(8), event(9)],
        readings,
        hourly: false,
    }
}

fn tests(failed: bool) -> Vec<Test> {
    let word = |failed| if failed { "fail" } else { "pass" }.to_owned();
    let line = |zh, en, value: &str, limit: &str, unit: &str, failed| TestLine {
        name: text(zh, en),
        method: "GB 31658.22-2022".to_owned(),
        value: value.to_owned(),
        limit: limit.to_owned(),
        unit: unit.to_owned(),
        verdict: word(failed),
    };
    vec![
        Test {
            at: event(6),
            time: at("2026-11-20T05:00"),
            issuer: LAB,
            item: ITEM.to_owned(),
            document: Some("https://id.gs1.org/253/6909814009503HS-2611-018".to_owned()),
            conclusion: Some(word(failed)),
            lines: vec![
                line(
                    "克伦特罗",
                    "Clenbuterol",
                    "未检出 / not detected",
                    "不得检出 / none",
                    "µg/kg",
                    false,
                ),
                line(
                    "挥发性盐基氮",
                    "Volatile basic nitrogen",
                    if failed { "21.4" } else { "7.2" },
                    "≤15",
                    "mg/100 g",
                    failed,
                ),
                line("水分", "Moisture", "74.1", "≤76", "%", false),
            ],
            imported: None,
            relied_on: None,
        },
        Test {
            at: event(2),
            time: at("2026-11-19T06:30"),
            issuer: LAB,
            item: PIGS_LOT.to_owned(),
            document: Some("https://id.gs1.org/253/6909802009508DQ-5101-7781".to_owned()),
            conclusion: None,
            lines: Vec::new(),
            imported: None,
            relied_on: None,
        },
    ]
}

/// The complete answer that the others are made from: chilled pork, two products deep.
pub(crate) fn complete() -> Answer {
    Answer {
        item: ITEM.to_owned(),
        as_of: at("2026-11-23T16:05"),
        scope: Scope::Whole,
        verdict: Verdict::Complete,
        complete: true,
        orders: Vec::new(),
        subject: Subject {
            product: Some(PRODUCT.to_owned()),
            lot: Some("PH-8807".to_owned()),
            serial: None,
            expiry: Some("2026-11-26".to_owned()),
            produced: Some("2026-11-20".to_owned()),
            maker: Some(MAKER),
        },
        steps: steps(),
        breaks: Vec::new(),
        links: Vec::new(),
        findings: Vec::new(),
        closed: Vec::new(),
        tests: tests(false),
        temperature: vec![stretch(Grade::Proved)],
        cut: None,
        chain: None,
        participants: BTreeMap::from([
            (
                FARM,
                party(
                    "简阳浅丘生态养殖有限公司",
                    "Jianyang Qianqiu Ecological Livestock Co., Ltd.",
                    "510185",
                    Role::Producer,
                ),
            ),
            (
                MAKER,
                party(
                    "成都蒲禾肉类加工有限公司",
                    "Chengdu Puhe Meat Processing Co., Ltd.",
                    "510131",
                    Role::Processor,
                ),
            ),
            (
                CARRIER,
                party(
                    "成都霜径冷链运输有限公司",
                    "Chengdu Shuangjing Cold Chain Transport Co., Ltd.",
                    "510114",
                    Role::Carrier,
                ),
            ),
            (
                SHOP,
                party(
                    "成都邻里禾生超市有限公司",
                    "Chengdu Linli Hesheng Supermarkets Co., Ltd.",
                    "510107",
                    Role::Retailer,
                ),
            ),
            (
                LAB,
                party(
                    "成都衡溯检测技术有限公司",
                    "Chengdu Hengsu Testing Technology Co., Ltd.",
                    "510112",
                    Role::Laboratory,
                ),
            ),
        ]),
        products: BTreeMap::from([
            (
                PRODUCT.to_owned(),
                product("冷鲜猪里脊", "Chilled pork loin", "", "CHILLED_MEAT"),
            ),
            (
                PIGS.to_owned(),
                product("商品生猪", "Fattened pigs", "", "AMBIENT"),
            ),
        ]),
        places: BTreeMap::from([
            (
                FARM_PLACE.to_owned(),
                place("浅丘生态养殖场", "Qianqiu pig farm", "510185", "farm"),
            ),
            (
                PLANT.to_owned(),
                place(
                    "蒲禾生猪定点屠宰场",
                    "Puhe licensed slaughterhouse",
                    "510131",
                    "slaughterhouse",
                ),
            ),
            (
                TRUCK.to_owned(),
                place(
                    "霜径冷藏车07号",
                    "Shuangjing refrigerated truck no. 07",
                    "510114",
                    "truck",
                ),
            ),
            (
                STORE.to_owned(),
                place(
                    "邻里禾生武侯店",
                    "Linli Hesheng Wuhou store",
                    "510107",
                    "shop",
                ),
            ),
        ]),
        contents: false,
    }
}

/// A hold or recall of an ingredient by the shop's regulator.
pub(crate) fn order(kind: StopKind, fault: Fault) -> Stop {
    Stop {
        kind,
        at: event(14),
        recorded: at("2026-11-22T18:00"),
        by: LAB,
        item: PIGS_LOT.to_owned(),
        case: format!("urn:suyuan:case:{LAB}:2026-17"),
        reason: Text {
            zh: "检出禁用兽药".to_owned(),
            en: "a banned veterinary drug was found".to_owned(),
        },
        level: Level::One,
        fault,
        reach: Reach::Forward,
        retest: Some("GB 31658.17".to_owned()),
        deadline: Some(at("2026-11-25T18:00")),
        depth: 2,
    }
}

/// An answer with this verdict, and with what leads to it.
pub(crate) fn with(verdict: Verdict) -> Answer {
    let mut answer = Answer {
        verdict,
        ..complete()
    };
    let finding = |rule: Rule| Finding {
        rule,
        articles: rule.articles(Some(Sector::Produce)),
        severity: Policy::default().severity(rule),
        item: ITEM.to_owned(),
        events: vec![event(9)],
        whose: Some(SHOP.to_string()),
        opened_at: at("2026-11-20T12:50"),
        closed_at: None,
    };
    match verdict {
        Verdict::Complete => {}
        Verdict::Clear => {
            answer.scope = Scope::Open;
            answer.complete = false;
            answer.temperature.clear();
        }
        Verdict::Recalled => {
            let stopped = (StepKind::Stopped, "holding");
            answer
                .steps
                .push(step((12, 0), stopped, "2026-11-22T18:00", MAKER, PLANT));
            answer.findings.push(finding(Rule::RecalledMoving));
        }
        Verdict::Held => answer.orders = vec![order(StopKind::Hold, Fault::Safety)],
        Verdict::FailedTest => {
            answer.tests = tests(true);
            answer.findings.push(finding(Rule::TestFailed));
        }
        Verdict::Expired => {
            answer.subject.expiry = Some("2026-11-21".to_owned());
            answer.findings.push(finding(Rule::Expiry));
        }
        Verdict::Violation => {
            answer.findings.push(finding(Rule::VaccineUnrecorded));
            answer.closed.push(Finding {
                closed_at: Some(at("2026-11-21T09:00")),
                ..finding(Rule::Custody)
            });
        }
        Verdict::Unknown => {
            answer = Answer {
                subject: Subject::default(),
                complete: false,
                steps: Vec::new(),
                tests: Vec::new(),
                temperature: Vec::new(),
                ..answer
            };
        }
        Verdict::Sold => {
            answer.subject.serial = Some("83901174207713350065".to_owned());
            answer.subject.lot = None;
            let sold = (StepKind::Ended, "retail_selling");
            answer
                .steps
                .push(step((12, 0), sold, "2026-11-21T17:42", SHOP, STORE));
        }
        Verdict::Breach => {
            answer.temperature = vec![stretch(Grade::Breach)];
            answer.findings.push(Finding {
                whose: Some(CARRIER.to_string()),
                ..finding(Rule::Temperature)
            });
        }
        Verdict::Broken => {
            answer.complete = false;
            answer
                .steps
                .retain(|step| step.issuer != CARRIER && step.kind != StepKind::Received);
            answer.temperature.clear();
            answer.breaks = vec![Break {
                kind: BreakKind::ReceiptMissing,
                item: ITEM.to_owned(),
                whose: Some(CARRIER.to_string()),
                at: Some(event(8)),
            }];
        }
        Verdict::Gap => answer.temperature = vec![stretch(Grade::Gap)],
    }
    answer
}

/// A context as a node would give it.
pub(crate) fn page(lang: Lang) -> PageContext {
    PageContext {
        lang,
        here: "/01/06909820001010/10/PH-8807".to_owned(),
        origin: "suyuan.example/chengdu".to_owned(),
        public_url: "https://suyuan.example".to_owned(),
        checkpoint: Some(Checkpoint {
            size: TreeSize(4_217),
            time: at("2026-11-23T16:04").0,
            root: "q1Zl0c8m…9TtQ4w=".to_owned(),
        }),
        proof: Some(Proof {
            item: "https://id.gs1.org/01/06909820001010/10/PH%2F8807".to_owned(),
            signatures: 11,
            open: true,
            witnesses: 0,
            bundle_url: "/01/06909820001010/10/PH-8807?format=bundle".to_owned(),
            json_url: "/01/06909820001010/10/PH-8807?format=json".to_owned(),
            verify_command: "suyuan verify PH-8807.cbor --trust trust.txt".to_owned(),
            verifiers: Vec::new(),
            policy: "log suyuan.example/chengdu+1f4a0d8c+AbcDEF\nquorum none\n".to_owned(),
        }),
        regions: BTreeMap::new(),
    }
}

/// Every verdict, for loops.
pub(crate) const VERDICTS: [Verdict; 12] = [
    Verdict::Recalled,
    Verdict::Held,
    Verdict::FailedTest,
    Verdict::Expired,
    Verdict::Violation,
    Verdict::Unknown,
    Verdict::Sold,
    Verdict::Breach,
    Verdict::Broken,
    Verdict::Gap,
    Verdict::Clear,
    Verdict::Complete,
];
