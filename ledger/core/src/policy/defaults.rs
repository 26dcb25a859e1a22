//! Version 0 of the policy: what is known of law and standards, each value with its source.
//!
//! *Confirmed* means that the text itself was read. Of the cold-chain standards and the recall
//! rules only excerpts were; severities and the age of evidence are this project's proposal. The
//! authorities replace a row when they have checked it.

use super::Row;
use super::setting::{
    Authorisation, ClassLimits, Deadline, Form, GuardedAct, Sector, Setting, Severity,
};
use crate::provenance::Rule;
use crate::state::Role;

const PROPOSED: &str = "proposed with this ledger; no rule says it";

fn row(setting: Setting, source: &str, confirmed: bool) -> Row {
    Row {
        setting,
        source: source.to_owned(),
        confirmed,
    }
}

/// Every row.
pub(super) fn rows() -> Vec<Row> {
    let mut all = classes();
    all.extend(recalls());
    all.extend(authorisations());
    all.extend(severities());
    all.extend(GuardedAct::ALL.iter().map(|act| {
        let setting = Setting::SecondSignature {
            act: *act,
            required: false,
        };
        row(setting, PROPOSED, false)
    }));
    // The city's plan asks for key varieties to be traced and names none; a product's own master
    // data says whether it is one, except where the law itself puts a category first.
    for (category, source) in [
        ("疫苗", "疫苗管理法 第十条"),
        ("29 婴配食品", "食品安全法实施条例 第十七条、第十八条"),
    ] {
        let category = category.to_owned();
        let setting = Setting::KeyVariety {
            category,
            key: true,
        };
        all.push(row(setting, source, true));
    }
    all.push(row(Setting::EvidenceAge { hours: 24 }, PROPOSED, false));
    all.push(row(Setting::CalibrationRequired(false), PROPOSED, false));
    all
}

/// Storage classes: tenths of °C, minutes between readings on the road and in a place.
fn classes() -> Vec<Row> {
    [
        // GB/T 24616 says above freezing and below 8 °C, GB 31605 0 to 10 °C: the narrower holds
        // under both.
        (
            "CHILLED",
            Some(0),
            Some(80),
            (10, 30),
            "GB/T 24616-2019; GB 31605-2020",
        ),
        ("CHILLED_MEAT", Some(0), Some(40), (10, 30), "GB 31605-2020"),
        (
            "DRUG_COLD",
            Some(20),
            Some(80),
            (5, 30),
            "GSP annex, cold storage and transport",
        ),
        (
            "DRUG_COOL",
            None,
            Some(200),
            (5, 30),
            "Pharmacopoeia, general notices",
        ),
        (
            "DRUG_ROOM",
            Some(100),
            Some(300),
            (5, 30),
            "Pharmacopoeia, general notices",
        ),
        (
            "FROZEN",
            None,
            Some(-180),
            (10, 30),
            "GB/T 24616-2019; GB 31605-2020",
        ),
        (
            "VACCINE",
            Some(20),
            Some(80),
            (10, 30),
            "Vaccine storage and transport rules 2017, art. 11",
        ),
        (
            "VACCINE_FROZEN",
            None,
            Some(-200),
            (10, 30),
            "Vaccine storage and transport rules 2017",
        ),
    ]
    .into_iter()
    .map(|(name, lowest, highest, (carried, stored), source)| {
        let limits = ClassLimits {
            lowest_tenths: lowest,
            highest_tenths: highest,
            carried_minutes: carried,
            stored_minutes: stored,
            // Shelves and small fridges are read by hand twice a day.
            stored_required: false,
        };
        let name = name.to_owned();
        row(Setting::Class { name, limits }, source, false)
    })
    .collect()
}

fn recalls() -> Vec<Row> {
    // Hours to begin, working days to finish, for levels 1 to 3.
    let food = [(24, Some(10)), (48, Some(20)), (72, Some(30))];
    let notice = [(24, None), (72, None), (168, None)];
    [
        (
            Sector::Food,
            food,
            "食品召回管理办法 (level 1 from a report of its text)",
        ),
        (Sector::Device, notice, "医疗器械召回管理办法"),
        (
            Sector::Drug,
            notice,
            "药品召回管理办法 2022, said to equal that of devices",
        ),
    ]
    .into_iter()
    .flat_map(|(sector, levels, source)| {
        (1..)
            .zip(levels)
            .map(move |(level, (start_hours, finish_working_days))| {
                let deadline = Deadline {
                    start_hours,
                    finish_working_days,
                };
                let setting = Setting::Recall {
                    sector,
                    level,
                    deadline,
                };
                row(setting, source, false)
            })
    })
    .collect()
}

/// A role, the goods, the kinds of which any will do, and the source.
type Needed = (Role, Sector, &'static [(&'static str, Form)], &'static str);

/// Which authorisation a role needs. Many lawful sellers need none: farm produce needs no licence,
/// packaged food only a filing, workshops and stalls a registration.
fn authorisations() -> Vec<Row> {
    use Form::{Filing, Licence, Registration};
    const PRODUCE: &str =
        "食品安全法 第三十五条: edible farm produce may be sold without a licence";
    const FOOD: &str = "食品安全法 第三十五条, 第三十六条; 条例 for workshops and stalls";
    const DRUG: &str = "药品管理法 第四十一条, 第五十一条";
    const VACCINE: &str = "疫苗管理法; 药品管理法 第五十五条";
    const CYLINDER: &str = "特种设备安全法 第四十九条";
    const JY: &[(&str, Form)] = &[
        ("JY", Licence),
        ("YB", Filing),
        ("SC", Licence),
        ("SMALL_SHOP", Registration),
        ("STALL", Filing),
    ];
    let needed: &[Needed] = &[
        (Role::Producer, Sector::Produce, &[], PRODUCE),
        (Role::Processor, Sector::Produce, &[], PRODUCE),
        (Role::Distributor, Sector::Produce, &[], PRODUCE),
        (Role::Retailer, Sector::Produce, &[], PRODUCE),
        (
            Role::Processor,
            Sector::Food,
            &[("SC", Licence), ("SMALL_WORKSHOP", Registration)],
            FOOD,
        ),
        (Role::Distributor, Sector::Food, JY, FOOD),
        (Role::Retailer, Sector::Food, JY, FOOD),
        (Role::Site, Sector::Food, &[("JY", Licence)], FOOD),
        (
            Role::Processor,
            Sector::Drug,
            &[("DRUG_PRODUCTION", Licence)],
            DRUG,
        ),
        (
            Role::Distributor,
            Sector::Drug,
            &[("DRUG_BUSINESS", Licence)],
            DRUG,
        ),
        (
            Role::Retailer,
            Sector::Drug,
            &[("DRUG_BUSINESS", Licence)],
            DRUG,
        ),
        (
            Role::Processor,
            Sector::Vaccine,
            &[("DRUG_PRODUCTION", Licence)],
            VACCINE,
        ),
        (
            Role::Distributor,
            Sector::Vaccine,
            &[("DRUG_BUSINESS", Licence), ("CDC", Registration)],
            VACCINE,
        ),
        (
            Role::Site,
            Sector::Vaccine,
            &[("VACCINATION", Licence)],
            VACCINE,
        ),
        (
            Role::Processor,
            Sector::Cylinder,
            &[("FILLING", Licence)],
            CYLINDER,
        ),
    ];
    needed
        .iter()
        .map(|(role, sector, kinds, source)| {
            let any = kinds.iter().map(|(kind, form)| Authorisation {
                kind: (*kind).to_owned(),
                form: *form,
            });
            let setting = Setting::Authorisation {
                role: *role,
                sector: *sector,
                any: any.collect(),
            };
            row(setting, source, false)
        })
        .collect()
}

fn severities() -> Vec<Row> {
    Rule::ALL
        .iter()
        .map(|rule| {
            let severity = match rule {
                Rule::CylinderOverdue
                | Rule::CylinderScrapped
                | Rule::Expiry
                | Rule::RecalledMoving
                | Rule::ReceivedTwice
                | Rule::TestFailed
                | Rule::VaccineExcursion
                | Rule::VaccineUnrecorded => Severity::Reject,
                Rule::DoubleSpend | Rule::SoldAgain | Rule::Temperature | Rule::TestMissing => {
                    Severity::Hold
                }
                Rule::Custody
                | Rule::DeviceCalibration
                | Rule::Licence
                | Rule::Order
                | Rule::PartyMismatch
                | Rule::QuantityMismatch
                | Rule::SingleParent
                | Rule::TemperatureGap => Severity::Flag,
            };
            let rule = *rule;
            row(Setting::Severity { rule, severity }, PROPOSED, false)
        })
        .collect()
}
