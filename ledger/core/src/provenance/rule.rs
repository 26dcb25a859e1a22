//! The rules by which findings are made: their names, and the law behind each.

use crate::policy::Sector;
use serde::{Deserialize, Serialize};

/// Articles as a constant: law and number of each.
macro_rules! cite {
    ($($law:ident $number:literal),+) => {
        &[$(Article { law: Law::$law, number: $number }),+]
    };
}

/// What a chain can be found to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A participant acts on what it does not hold.
    Custody,
    /// An event happens before the item exists, or after it ended.
    Order,
    /// One item in two parents at a time.
    SingleParent,
    /// More shipped, used or sold than there was.
    DoubleSpend,
    /// Shipped, sold or used after expiry.
    Expiry,
    /// A serial sold or dispensed twice, or moved after that.
    SoldAgain,
    /// The parties of a hand-over name different partners.
    PartyMismatch,
    /// The parties of a hand-over name different quantities.
    QuantityMismatch,
    /// An actor lacked the authorisation that the act needs, or it did not cover these goods.
    Licence,
    /// A test failed.
    TestFailed,
    /// Sold or put on the shelf without a test that it needs.
    TestMissing,
    /// A recalled or held item moved on.
    RecalledMoving,
    /// Temperature left its limits.
    Temperature,
    /// Temperature evidence is missing.
    TemperatureGap,
    /// A vaccine was accepted without its whole temperature record.
    VaccineUnrecorded,
    /// A vaccine was accepted although its temperature had left the limits.
    VaccineExcursion,
    /// A gas cylinder was filled though its inspection was overdue or failed.
    CylinderOverdue,
    /// A gas cylinder was filled after it was scrapped.
    CylinderScrapped,
    /// Readings come from a device whose calibration had run out or is not recorded.
    DeviceCalibration,
    /// One shipment was received in two regions. Only their logs together show it.
    ReceivedTwice,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 20] = [
        Self::Custody,
        Self::Order,
        Self::SingleParent,
        Self::DoubleSpend,
        Self::Expiry,
        Self::SoldAgain,
        Self::PartyMismatch,
        Self::QuantityMismatch,
        Self::Licence,
        Self::TestFailed,
        Self::TestMissing,
        Self::RecalledMoving,
        Self::Temperature,
        Self::TemperatureGap,
        Self::VaccineUnrecorded,
        Self::VaccineExcursion,
        Self::CylinderOverdue,
        Self::CylinderScrapped,
        Self::DeviceCalibration,
        Self::ReceivedTwice,
    ];

    /// The rule's stable word, as in JSON and in policy rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Custody => "custody",
            Self::Order => "order",
            Self::SingleParent => "single_parent",
            Self::DoubleSpend => "double_spend",
            Self::Expiry => "expiry",
            Self::SoldAgain => "sold_again",
            Self::PartyMismatch => "party_mismatch",
            Self::QuantityMismatch => "quantity_mismatch",
            Self::Licence => "licence",
            Self::TestFailed => "test_failed",
            Self::TestMissing => "test_missing",
            Self::RecalledMoving => "recalled_moving",
            Self::Temperature => "temperature",
            Self::TemperatureGap => "temperature_gap",
            Self::VaccineUnrecorded => "vaccine_unrecorded",
            Self::VaccineExcursion => "vaccine_excursion",
            Self::CylinderOverdue => "cylinder_overdue",
            Self::CylinderScrapped => "cylinder_scrapped",
            Self::DeviceCalibration => "device_calibration",
            Self::ReceivedTwice => "received_twice",
        }
    }

    /// The rule with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.word() == word)
    }

    /// The articles behind the rule for goods of a sector; those for food where it is not known.
    ///
    /// Source: the laws as read for this project; GB 31605 and the GSP annex by excerpts only.
    #[must_use]
    pub const fn articles(self, sector: Option<Sector>) -> &'static [Article] {
        let vaccine = matches!(sector, Some(Sector::Vaccine));
        let drug = matches!(sector, Some(Sector::Drug | Sector::Device));
        let cylinder = matches!(sector, Some(Sector::Cylinder));
        match self {
            Self::CylinderOverdue | Self::CylinderScrapped => {
                cite!(SpecialEquipment "49", SpecialEquipment "85")
            }
            Self::VaccineUnrecorded | Self::VaccineExcursion => cite!(Vaccine "39"),
            Self::Temperature | Self::TemperatureGap | Self::DeviceCalibration if vaccine => {
                cite!(Vaccine "37")
            }
            Self::Temperature | Self::TemperatureGap | Self::DeviceCalibration if drug => {
                cite!(Gsp "")
            }
            Self::Temperature | Self::TemperatureGap => cite!(Gb31605 "2.2", Gb31605 "3.1"),
            Self::DeviceCalibration => cite!(Gb31605 "3.1"),
            Self::TestFailed | Self::RecalledMoving if vaccine => cite!(Vaccine "73"),
            Self::TestFailed | Self::RecalledMoving if drug => cite!(Drug "82"),
            Self::TestFailed => cite!(Food "63", Food "65"),
            Self::RecalledMoving => cite!(Food "63"),
            Self::TestMissing if vaccine || drug => cite!(Drug "56"),
            Self::TestMissing if matches!(sector, Some(Sector::Produce)) => {
                cite!(Produce "39", Food "65")
            }
            Self::TestMissing => cite!(Food "51"),
            Self::Licence if cylinder => cite!(SpecialEquipment "49"),
            Self::Licence if vaccine || drug => cite!(Drug "55"),
            Self::Licence => cite!(Food "50", Food "53"),
            Self::Expiry if vaccine => cite!(Vaccine "40"),
            Self::Expiry if drug => cite!(Drug "57"),
            Self::Expiry => cite!(FoodRegulation "29"),
            Self::Custody
            | Self::Order
            | Self::SingleParent
            | Self::DoubleSpend
            | Self::SoldAgain
            | Self::PartyMismatch
            | Self::ReceivedTwice
            | Self::QuantityMismatch => {
                if vaccine {
                    cite!(Vaccine "10", Vaccine "38")
                } else if drug {
                    cite!(Drug "12", Drug "57")
                } else if cylinder {
                    cite!(SpecialEquipment "35")
                } else {
                    cite!(Food "50", Food "53")
                }
            }
        }
    }
}

/// An article of a law, or a clause of a standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Article {
    /// The law or standard.
    pub law: Law,
    /// Its number there; empty for the whole.
    pub number: &'static str,
}

/// A law or standard that rules cite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    /// 药品管理法.
    Drug,
    /// 食品安全法.
    Food,
    /// 食品安全法实施条例.
    FoodRegulation,
    /// GB 31605-2020.
    Gb31605,
    /// 药品经营质量管理规范, its annex on cold storage and transport.
    Gsp,
    /// 农产品质量安全法.
    Produce,
    /// 特种设备安全法.
    SpecialEquipment,
    /// 疫苗管理法.
    Vaccine,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_found_by_its_word_and_cites_a_law() {
        for rule in Rule::ALL {
            assert_eq!(Rule::parse(rule.word()), Some(rule));
            let json = serde_json::to_value(rule).unwrap();
            assert_eq!(json.as_str(), Some(rule.word()));
            for sector in Sector::ALL.iter().copied().map(Some).chain([None]) {
                assert!(!rule.articles(sector).is_empty(), "{rule:?} {sector:?}");
            }
        }
        assert_eq!(Rule::parse("everything"), None);
    }
}
