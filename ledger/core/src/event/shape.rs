//! The shape of the five events: which field holds what (EPCIS 2.0 JSON Schema; EPCIS 2.0 §7.4).

use super::vocabulary::{
    BIZ_STEP, BIZ_TRANSACTION, COMPONENT, DISPOSITION, ERROR_REASON, MEASUREMENT, SENSOR_ALERT,
    SOURCE_DESTINATION, Vocabulary,
};

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// ADD, OBSERVE or DELETE.
    Action,
    /// Anything, kept as it is: what extensions hold.
    Any,
    /// true or false.
    Bool,
    /// The JSON-LD context, read beforehand.
    Context,
    /// Hexadecimal digits.
    Hex,
    /// An identifier with one canonical form.
    Id,
    /// A list.
    List(&'static Self),
    /// A map.
    Map(&'static Shape),
    /// A list with something in it.
    NonEmpty(&'static Self),
    /// A number.
    Number,
    /// A time zone offset.
    Offset,
    /// One URI or a list of them.
    OneOrManyUris,
    /// Text, kept byte for byte.
    Text,
    /// A time, in the one form.
    Time,
    /// The event's type, read beforehand.
    Type,
    /// A unit code.
    Unit,
    /// A URI, prefixes written out and otherwise kept byte for byte.
    Uri,
    /// A word of the standard, or a URI of one's own.
    Word(&'static Vocabulary),
}

/// Which fields other than the listed ones a map may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    /// Any name.
    Any,
    /// Extensions: names with a declared prefix, URIs, declared terms.
    Extensions,
    /// None.
    Refused,
}

/// A required field, and whether it may be among the withheld ones.
#[derive(Clone, Copy, Debug)]
pub(super) enum Required {
    /// Stands in every event shown: state and rules need it.
    Always(&'static str),
    /// May be withheld.
    UnlessWithheld(&'static str),
}

/// A map's fields.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) fields: &'static [(&'static str, Kind)],
    pub(super) required: &'static [Required],
    pub(super) others: Others,
}

impl Shape {
    pub(super) fn kind(&self, key: &str) -> Option<Kind> {
        self.fields
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, kind)| *kind)
    }
}

use Required::{Always, UnlessWithheld};

const IDS: Kind = Kind::List(&Kind::Id);
const QUANTITIES: Kind = Kind::List(&Kind::Map(&QUANTITY));
const WORDS: Kind = Kind::NonEmpty(&Kind::Word(&DISPOSITION));

static QUANTITY: Shape = Shape {
    fields: &[
        ("epcClass", Kind::Id),
        ("quantity", Kind::Number),
        ("uom", Kind::Unit),
    ],
    required: &[Always("epcClass")],
    others: Others::Refused,
};
static PLACE: Shape = Shape {
    fields: &[("id", Kind::Id)],
    required: &[UnlessWithheld("id")],
    others: Others::Any,
};
static BIZ_TRANSACTION_ITEM: Shape = Shape {
    fields: &[
        ("type", Kind::Word(&BIZ_TRANSACTION)),
        ("bizTransaction", Kind::Id),
    ],
    required: &[UnlessWithheld("bizTransaction")],
    others: Others::Refused,
};
static SOURCE: Shape = Shape {
    fields: &[
        ("type", Kind::Word(&SOURCE_DESTINATION)),
        ("source", Kind::Id),
    ],
    required: &[UnlessWithheld("type"), UnlessWithheld("source")],
    others: Others::Refused,
};
static DESTINATION: Shape = Shape {
    fields: &[
        ("type", Kind::Word(&SOURCE_DESTINATION)),
        ("destination", Kind::Id),
    ],
    required: &[UnlessWithheld("type"), UnlessWithheld("destination")],
    others: Others::Refused,
};
static PERSISTENT_DISPOSITION: Shape = Shape {
    fields: &[("set", WORDS), ("unset", WORDS)],
    required: &[],
    others: Others::Refused,
};
static ERROR_DECLARATION: Shape = Shape {
    fields: &[
        ("declarationTime", Kind::Time),
        ("reason", Kind::Word(&ERROR_REASON)),
        ("correctiveEventIDs", Kind::List(&Kind::Uri)),
    ],
    required: &[UnlessWithheld("declarationTime")],
    others: Others::Extensions,
};
static ILMD: Shape = Shape {
    fields: &[],
    required: &[],
    others: Others::Extensions,
};
static SENSOR_ELEMENT: Shape = Shape {
    fields: &[
        ("sensorMetadata", Kind::Map(&SENSOR_METADATA)),
        ("sensorReport", Kind::NonEmpty(&Kind::Map(&SENSOR_REPORT))),
    ],
    required: &[UnlessWithheld("sensorReport")],
    others: Others::Extensions,
};
static SENSOR_METADATA: Shape = Shape {
    fields: &[
        ("time", Kind::Time),
        ("startTime", Kind::Time),
        ("endTime", Kind::Time),
        ("deviceID", Kind::Id),
        ("deviceMetadata", Kind::Uri),
        ("rawData", Kind::Uri),
        ("dataProcessingMethod", Kind::Uri),
        ("bizRules", Kind::Uri),
    ],
    required: &[],
    others: Others::Extensions,
};
static SENSOR_REPORT: Shape = Shape {
    fields: &[
        ("type", Kind::Word(&MEASUREMENT)),
        ("exception", Kind::Word(&SENSOR_ALERT)),
        ("deviceID", Kind::Id),
        ("deviceMetadata", Kind::Uri),
        ("rawData", Kind::Uri),
        ("dataProcessingMethod", Kind::Uri),
        ("bizRules", Kind::Uri),
        ("time", Kind::Time),
        ("microorganism", Kind::Uri),
        ("chemicalSubstance", Kind::Uri),
        ("value", Kind::Number),
        ("component", Kind::Word(&COMPONENT)),
        ("stringValue", Kind::Text),
        ("booleanValue", Kind::Bool),
        ("hexBinaryValue", Kind::Hex),
        ("uriValue", Kind::Uri),
        ("minValue", Kind::Number),
        ("maxValue", Kind::Number),
        ("meanValue", Kind::Number),
        ("sDev", Kind::Number),
        ("percRank", Kind::Number),
        ("percValue", Kind::Number),
        ("uom", Kind::Text),
        ("coordinateReferenceSystem", Kind::Uri),
    ],
    required: &[UnlessWithheld("type")],
    others: Others::Extensions,
};

/// The fields of all events, then those of one. In the order of the event hash (CBV 2.0 §8.9).
macro_rules! event_shape {
    ([$($required:expr),*], [$($own:expr),*]) => {
        Shape {
            fields: &[
                ("@context", Kind::Context),
                ("type", Kind::Type),
                ("eventTime", Kind::Time),
                ("eventTimeZoneOffset", Kind::Offset),
                ("eventID", Kind::Uri),
                ("certificationInfo", Kind::OneOrManyUris),
                ("errorDeclaration", Kind::Map(&ERROR_DECLARATION)),
                ("bizStep", Kind::Word(&BIZ_STEP)),
                ("disposition", Kind::Word(&DISPOSITION)),
                ("persistentDisposition", Kind::Map(&PERSISTENT_DISPOSITION)),
                ("readPoint", Kind::Map(&PLACE)),
                ("bizLocation", Kind::Map(&PLACE)),
                ("bizTransactionList", Kind::List(&Kind::Map(&BIZ_TRANSACTION_ITEM))),
                ("sourceList", Kind::List(&Kind::Map(&SOURCE))),
                ("destinationList", Kind::List(&Kind::Map(&DESTINATION))),
                ("sensorElementList", Kind::List(&Kind::Map(&SENSOR_ELEMENT))),
                $($own),*
            ],
            required: &[Always("eventTime"), Always("eventTimeZoneOffset"), $($required),*],
            others: Others::Extensions,
        }
    };
}

pub(super) static OBJECT: Shape = event_shape!(
    [Always("action")],
    [
        ("epcList", IDS),
        ("quantityList", QUANTITIES),
        ("action", Kind::Action),
        ("ilmd", Kind::Map(&ILMD))
    ]
);
pub(super) static AGGREGATION: Shape = event_shape!(
    [Always("action")],
    [
        ("parentID", Kind::Id),
        ("childEPCs", IDS),
        ("childQuantityList", QUANTITIES),
        ("action", Kind::Action)
    ]
);
pub(super) static ASSOCIATION: Shape = event_shape!(
    [Always("action"), Always("parentID")],
    [
        ("parentID", Kind::Id),
        ("childEPCs", IDS),
        ("childQuantityList", QUANTITIES),
        ("action", Kind::Action)
    ]
);
pub(super) static TRANSACTION: Shape = event_shape!(
    [Always("action"), UnlessWithheld("bizTransactionList")],
    [
        ("parentID", Kind::Id),
        ("epcList", IDS),
        ("quantityList", QUANTITIES),
        ("action", Kind::Action)
    ]
);
pub(super) static TRANSFORMATION: Shape = event_shape!(
    [],
    [
        ("inputEPCList", IDS),
        ("inputQuantityList", QUANTITIES),
        ("outputEPCList", IDS),
        ("outputQuantityList", QUANTITIES),
        ("transformationID", Kind::Id),
        ("ilmd", Kind::Map(&ILMD))
    ]
);
