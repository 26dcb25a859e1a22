//! What an identifier names.

/// The kind of thing an identifier names; a change here changes what rules see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// 01: a trade item, any lot.
    Gtin,
    /// 01 + 10: a lot of a trade item.
    Lot,
    /// 01 + 21: one trade item.
    Serial,
    /// 01 + 235: one trade item, numbered by a third party.
    ThirdPartySerial,
    /// 00: one pallet, case or other logistic unit.
    Sscc,
    /// 414, with or without 254: a place.
    Location,
    /// 417: a party.
    Party,
    /// 253: a document or a type of document.
    Document,
    /// 8003: a returnable asset, such as a crate, or its type.
    ReturnableAsset,
    /// 8004: one asset, such as a gas cylinder or a sensor.
    IndividualAsset,
    /// 8017 or 8018: a relation between provider and recipient of a service.
    Service,
    /// 401: a consignment.
    Consignment,
    /// 402: a shipment.
    Shipment,
    /// 255: a coupon.
    Coupon,
    /// 8010, with or without 8011: a component or part.
    Component,
    /// 8006, with or without 10 or 21: a piece of a trade item.
    Piece,
    /// 8013: a product model.
    Model,
    /// 415 + 8020: a payment slip.
    Payment,
    /// A lot under its maker's own code.
    OwnLot,
    /// A product under its maker's own code.
    OwnProduct,
    /// One pack of a drug or vaccine.
    Drug,
    /// An organisation, by unified social credit code.
    Uscc,
    /// An SC number.
    FoodProductionLicence,
    /// A JY number.
    FoodOperationLicence,
    /// A YB number.
    FoodOperationFiling,
    /// A participant of a ledger.
    Participant,
    /// A hold or recall, under the handle of who opened it.
    Case,
    /// Any other URI.
    Opaque,
}

impl Kind {
    /// The short English name, for logs and errors; pages take theirs from the catalogue.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gtin => "GTIN",
            Self::Lot => "lot",
            Self::Serial => "serial item",
            Self::ThirdPartySerial => "third-party serial",
            Self::Sscc => "SSCC",
            Self::Location => "location GLN",
            Self::Party => "party GLN",
            Self::Document => "GDTI",
            Self::ReturnableAsset => "GRAI",
            Self::IndividualAsset => "GIAI",
            Self::Service => "GSRN",
            Self::Consignment => "GINC",
            Self::Shipment => "GSIN",
            Self::Coupon => "GCN",
            Self::Component => "CPID",
            Self::Piece => "ITIP",
            Self::Model => "GMN",
            Self::Payment => "payment GLN",
            Self::OwnLot => "own lot",
            Self::OwnProduct => "own product",
            Self::Drug => "drug trace code",
            Self::Uscc => "unified social credit code",
            Self::FoodProductionLicence => "food production licence (SC)",
            Self::FoodOperationLicence => "food operation licence (JY)",
            Self::FoodOperationFiling => "food operation filing (YB)",
            Self::Participant => "participant",
            Self::Case => "case",
            Self::Opaque => "URI",
        }
    }
}
