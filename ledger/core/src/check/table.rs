//! Which ground stops which act.
//!
//! One row per ground and kind of goods; the first that fits counts. Columns are the acts, with
//! receiving told apart from *taking back*: goods return to who had them before, and recalled or
//! expired ones must be able to. A blank says nothing about that act; `ALLOW` says it in passing.
//!
//! Sources stand in each row. *Read* marks articles whose text was read; the others are cited from
//! general knowledge, and the deadlines and limits behind them are not confirmed:
//!
//! - 食品安全法 42, 50, 53, 63; 食品安全法实施条例 29; 农产品质量安全法 38-41: read.
//! - 疫苗管理法 10, 37-39, 46, 73: read. The receiver gets the full temperature record, else refuses and
//!   reports at once (39).
//! - 药品管理法 36, 55-57, 82; 特种设备安全法 49, 85: read.
//! - GSP annex on cold storage and transport, GB 31605-2020, TSG 23-2021: not confirmed.
//! - `ledger` marks rules of this ledger, for which no article is claimed.
//!
//! Findings have no row: their severity is the policy's, and their articles are the rule's.

use super::{Decision, Ground, Sector};

/// An act, as the table sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Taking goods in from another.
    Receive,
    /// Taking goods back that one had before.
    TakeBack,
    /// Filling a cylinder.
    Fill,
    /// Giving to a person.
    Dispense,
    /// Selling.
    Sell,
    /// Using up.
    Use,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What was found.
    pub ground: Ground,
    /// Of which goods; `None`: of all others.
    pub goods: Option<Sector>,
    /// What it decides, by [`Column`].
    pub by_column: [Option<Decision>; 6],
    /// Articles and standards.
    pub articles: &'static [&'static str],
}

const A: Option<Decision> = Some(Decision::Allow);
const H: Option<Decision> = Some(Decision::Hold);
const R: Option<Decision> = Some(Decision::Refuse);
const O: Option<Decision> = None;

const VACCINE: Option<Sector> = Some(Sector::Vaccine);
const MEDICINE: Option<Sector> = Some(Sector::Drug);
const ANY: Option<Sector> = None;

const LEDGER: &[&str] = &["ledger"];
const FOOD_STOP: &[&str] = &["食品安全法 63"];
const FOOD_TAKE_IN: &[&str] = &["食品安全法 50, 53"];
const FOOD_TRACE: &[&str] = &["食品安全法 42, 50, 53"];
const FOOD_INPUT: &[&str] = &["食品安全法 50, 63"];
const FOOD_COLD: &[&str] = &["食品安全法 50, 53", "GB 31605-2020"];
const COLD: &[&str] = &["GB 31605-2020"];
const EXPIRED: &[&str] = &["食品安全法实施条例 29"];
const VACCINE_STOP: &[&str] = &["疫苗管理法 73"];
const VACCINE_PACK: &[&str] = &["疫苗管理法 46"];
const VACCINE_COLD: &[&str] = &["疫苗管理法 37, 38, 39"];
const VACCINE_RECORD: &[&str] = &["疫苗管理法 38, 39"];
const VACCINE_TRACE: &[&str] = &["疫苗管理法 10, 38"];
const DRUG_STOP: &[&str] = &["药品管理法 82"];
const DRUG_SOURCE: &[&str] = &["药品管理法 36, 55-57"];
const DRUG_BUY: &[&str] = &["药品管理法 55-57"];
const DRUG_TRACE: &[&str] = &["药品管理法 36, 57"];
const DRUG_COLD: &[&str] = &["药品管理法 56", "GSP annex, cold storage and transport"];
const FILLING: &[&str] = &["特种设备安全法 49"];
const INSPECTION: &[&str] = &["特种设备安全法 49", "TSG 23-2021"];
const SCRAPPED: &[&str] = &["特种设备安全法 49", "食品安全法实施条例 29"];

/// The table. Columns: receive, take back, fill, dispense, sell, use.
#[rustfmt::skip] // One row a line, so that it reads as a table.
pub static TABLE: [Row; 36] = {
    use Ground as G;
    [
        row(G::Recalled,          VACCINE,  [R, A, O, R, R, R], VACCINE_STOP),
        row(G::Recalled,          MEDICINE, [R, A, O, R, R, R], DRUG_STOP),
        row(G::Recalled,          ANY,      [R, A, R, R, R, R], FOOD_STOP),
        row(G::Held,              VACCINE,  [H, A, O, H, H, H], VACCINE_STOP),
        row(G::Held,              ANY,      [H, A, H, H, H, H], FOOD_STOP),
        row(G::FailedTest,        MEDICINE, [R, A, O, R, R, R], DRUG_STOP),
        row(G::FailedTest,        VACCINE,  [R, A, O, R, R, R], VACCINE_STOP),
        row(G::FailedTest,        ANY,      [R, A, R, R, R, R], FOOD_STOP),
        row(G::Expired,           ANY,      [R, A, O, R, R, R], EXPIRED),
        row(G::Unknown,           MEDICINE, [H, H, O, R, R, R], DRUG_SOURCE),
        row(G::Unknown,           ANY,      [H, H, R, R, H, H], FOOD_TAKE_IN),
        row(G::Sold,              MEDICINE, [H, A, O, R, R, R], DRUG_BUY),
        row(G::Sold,              VACCINE,  [H, A, O, R, R, R], VACCINE_PACK),
        row(G::Sold,              ANY,      [H, A, O, R, R, H], LEDGER),
        row(G::Used,              ANY,      [R, R, R, R, R, R], LEDGER),
        row(G::Scrapped,          ANY,      [R, A, R, R, R, R], SCRAPPED),
        row(G::InspectionFailed,  ANY,      [A, A, R, H, H, H], FILLING),
        row(G::InspectionOverdue, ANY,      [A, A, R, H, H, H], INSPECTION),
        row(G::InspectionMissing, ANY,      [O, O, R, O, O, O], INSPECTION),
        row(G::TemperatureBreach, VACCINE,  [R, A, O, R, R, R], VACCINE_COLD),
        row(G::TemperatureBreach, MEDICINE, [R, A, O, H, H, H], DRUG_COLD),
        row(G::TemperatureBreach, ANY,      [H, A, O, H, H, H], FOOD_COLD),
        row(G::TemperatureGap,    VACCINE,  [R, A, O, H, H, H], VACCINE_RECORD),
        row(G::TemperatureGap,    MEDICINE, [H, A, O, H, H, H], DRUG_COLD),
        row(G::TemperatureGap,    ANY,      [H, A, O, A, A, A], COLD),
        row(G::ChainBroken,       VACCINE,  [H, A, O, H, H, H], VACCINE_TRACE),
        row(G::ChainBroken,       MEDICINE, [H, A, O, H, H, H], DRUG_TRACE),
        row(G::ChainBroken,       ANY,      [H, A, A, H, A, A], FOOD_TRACE),
        row(G::InputFailedTest,   ANY,      [H, A, O, H, H, H], FOOD_INPUT),
        row(G::Packed,            ANY,      [O, O, H, H, H, H], LEDGER),
        row(G::ActorUnknown,      ANY,      [H, H, H, H, H, H], LEDGER),
        row(G::ActorSuspended,    ANY,      [R, R, R, R, R, R], LEDGER),
        row(G::NotHolder,         ANY,      [O, O, R, R, R, R], FOOD_TAKE_IN),
        row(G::NotReceived,       ANY,      [O, O, H, H, H, H], FOOD_TAKE_IN),
        row(G::NotAddressed,      ANY,      [H, H, O, O, O, O], FOOD_TAKE_IN),
        row(G::Cut,               ANY,      [H, H, H, H, H, H], LEDGER),
    ]
};

const fn row(
    ground: Ground,
    goods: Option<Sector>,
    by_column: [Option<Decision>; 6],
    articles: &'static [&'static str],
) -> Row {
    Row {
        ground,
        goods,
        by_column,
        articles,
    }
}

/// What a ground decides about an act on such goods, and by which row; `None`: nothing.
#[must_use]
pub fn judge(
    ground: Ground,
    goods: Option<Sector>,
    column: Column,
) -> Option<(Decision, &'static Row)> {
    let fits = |row: &&Row| row.ground == ground && (row.goods.is_none() || row.goods == goods);
    let row = TABLE.iter().find(fits)?;
    let at = match column {
        Column::Receive => 0,
        Column::TakeBack => 1,
        Column::Fill => 2,
        Column::Dispense => 3,
        Column::Sell => 4,
        Column::Use => 5,
    };
    Some((row.by_column[at]?, row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ground_has_a_row_for_all_goods_and_finer_rows_come_first() {
        let in_table = |ground: &Ground| !matches!(ground, Ground::Finding(_));
        for ground in Ground::all().filter(in_table) {
            let rows: Vec<&Row> = TABLE.iter().filter(|row| row.ground == ground).collect();
            let general = rows.iter().position(|row| row.goods.is_none());
            assert_eq!(general, rows.len().checked_sub(1), "{ground:?}");
        }
    }

    #[test]
    fn every_row_cites_something_and_decides_something() {
        for row in &TABLE {
            assert!(!row.articles.is_empty(), "{row:?}");
            assert!(row.by_column.iter().any(Option::is_some), "{row:?}");
        }
    }

    #[test]
    fn what_must_come_back_may() {
        for ground in [Ground::Recalled, Ground::Expired, Ground::FailedTest] {
            for goods in [None, MEDICINE, VACCINE] {
                let judged = |column| judge(ground, goods, column).map(|(decision, _)| decision);
                assert_eq!(judged(Column::Receive), Some(Decision::Refuse));
                assert_eq!(judged(Column::TakeBack), Some(Decision::Allow));
            }
        }
    }
}
