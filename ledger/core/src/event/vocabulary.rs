//! The words of the Core Business Vocabulary (CBV 2.0) and their one spelling.
//!
//! Inside the ledger a standard word is bare (`shipping`). Its URI, its old URN and its CURIE say
//! the same and become the bare word; words of one's own are URIs and stay as they are.

/// One list of words.
#[derive(Debug)]
pub(super) struct Vocabulary {
    /// The name an error shows.
    pub(super) name: &'static str,
    words: &'static [&'static str],
    /// What a word's URI begins with; the first is the one to write.
    uris: &'static [&'static str],
}

impl Vocabulary {
    /// The one spelling of `text`, an absolute URI or a bare word; `None` for an unknown word.
    pub(super) fn normal<'a>(&self, text: &'a str) -> Option<&'a str> {
        if !text.contains(':') {
            return self.knows(text).then_some(text);
        }
        let word = self.uris.iter().find_map(|uri| text.strip_prefix(uri));
        Some(word.filter(|word| self.knows(word)).unwrap_or(text))
    }

    /// The URI of a word in its one spelling; a URI of one's own is its own.
    pub(super) fn uri(&self, word: &str) -> String {
        if self.knows(word) {
            format!("{}{word}", self.uris[0])
        } else {
            word.to_owned()
        }
    }

    fn knows(&self, word: &str) -> bool {
        self.words.contains(&word)
    }
}

pub(super) static BIZ_STEP: Vocabulary = Vocabulary {
    name: "bizStep",
    words: &[
        "accepting",
        "arriving",
        "assembling",
        "collecting",
        "commissioning",
        "consigning",
        "creating_class_instance",
        "cycle_counting",
        "decommissioning",
        "departing",
        "destroying",
        "disassembling",
        "dispensing",
        "encoding",
        "entering_exiting",
        "holding",
        "inspecting",
        "installing",
        "killing",
        "loading",
        "other",
        "packing",
        "picking",
        "receiving",
        "removing",
        "repackaging",
        "repairing",
        "replacing",
        "reserving",
        "retail_selling",
        "sampling",
        "sensor_reporting",
        "shipping",
        "staging_outbound",
        "stock_taking",
        "stocking",
        "storing",
        "transporting",
        "unloading",
        "unpacking",
        "void_shipping",
    ],
    uris: &[
        "https://ref.gs1.org/cbv/BizStep-",
        "https://ns.gs1.org/cbv/BizStep-",
        "urn:epcglobal:cbv:bizstep:",
    ],
};

pub(super) static DISPOSITION: Vocabulary = Vocabulary {
    name: "disposition",
    words: &[
        "active",
        "available",
        "completeness_inferred",
        "completeness_verified",
        "conformant",
        "container_closed",
        "container_open",
        "damaged",
        "destroyed",
        "dispensed",
        "disposed",
        "encoded",
        "expired",
        "in_progress",
        "in_transit",
        "inactive",
        "mismatch_class",
        "mismatch_instance",
        "mismatch_quantity",
        "needs_replacement",
        "no_pedigree_match",
        "non_conformant",
        "non_sellable_other",
        "partially_dispensed",
        "recalled",
        "reserved",
        "retail_sold",
        "returned",
        "sellable_accessible",
        "sellable_not_accessible",
        "stolen",
        "unavailable",
        "unknown",
    ],
    uris: &[
        "https://ref.gs1.org/cbv/Disp-",
        "https://ns.gs1.org/cbv/Disp-",
        "urn:epcglobal:cbv:disp:",
    ],
};

pub(super) static BIZ_TRANSACTION: Vocabulary = Vocabulary {
    name: "bizTransaction type",
    words: &[
        "bol",
        "cert",
        "desadv",
        "inv",
        "pedigree",
        "po",
        "poc",
        "prodorder",
        "recadv",
        "rma",
        "testprd",
        "testres",
        "upevt",
    ],
    uris: &[
        "https://ref.gs1.org/cbv/BTT-",
        "https://ns.gs1.org/cbv/BTT-",
        "urn:epcglobal:cbv:btt:",
    ],
};

pub(super) static SOURCE_DESTINATION: Vocabulary = Vocabulary {
    name: "source and destination type",
    words: &["location", "owning_party", "possessing_party"],
    uris: &[
        "https://ref.gs1.org/cbv/SDT-",
        "https://ns.gs1.org/cbv/SDT-",
        "urn:epcglobal:cbv:sdt:",
    ],
};

pub(super) static ERROR_REASON: Vocabulary = Vocabulary {
    name: "error reason",
    words: &["did_not_occur", "incorrect_data"],
    uris: &[
        "https://ref.gs1.org/cbv/ER-",
        "https://ns.gs1.org/cbv/ER-",
        "urn:epcglobal:cbv:er:",
    ],
};

pub(super) static COMPONENT: Vocabulary = Vocabulary {
    name: "component",
    words: &[
        "altitude",
        "axial_distance",
        "azimuth",
        "easting",
        "elevation_angle",
        "height",
        "latitude",
        "longitude",
        "northing",
        "polar_angle",
        "spherical_radius",
        "x",
        "y",
        "z",
    ],
    uris: &[
        "https://ref.gs1.org/cbv/Comp-",
        "https://ns.gs1.org/cbv/Comp-",
    ],
};

pub(super) static SENSOR_ALERT: Vocabulary = Vocabulary {
    name: "sensor exception",
    words: &["ALARM_CONDITION", "ERROR_CONDITION"],
    uris: WEB_VOCABULARY,
};

pub(super) static MEASUREMENT: Vocabulary = Vocabulary {
    name: "measurement type",
    words: &[
        "AbsoluteHumidity",
        "AbsorbedDose",
        "AbsorbedDoseRate",
        "Acceleration",
        "Altitude",
        "AmountOfSubstance",
        "AmountOfSubstancePerUnitVolume",
        "Angle",
        "AngularAcceleration",
        "AngularMomentum",
        "AngularVelocity",
        "Area",
        "Capacitance",
        "Conductance",
        "Conductivity",
        "Count",
        "Density",
        "Dimensionless",
        "DoseEquivalent",
        "DoseEquivalentRate",
        "DynamicViscosity",
        "ElectricCharge",
        "ElectricCurrent",
        "ElectricCurrentDensity",
        "ElectricFieldStrength",
        "Energy",
        "Exposure",
        "Force",
        "Frequency",
        "Illuminance",
        "Inductance",
        "Irradiance",
        "KinematicViscosity",
        "Length",
        "LinearMomentum",
        "Luminance",
        "LuminousFlux",
        "LuminousIntensity",
        "MagneticFlux",
        "MagneticFluxDensity",
        "MagneticVectorPotential",
        "Mass",
        "MassConcentration",
        "MassFlowRate",
        "MassPerAreaTime",
        "MemoryCapacity",
        "MolalityOfSolute",
        "MolarEnergy",
        "MolarMass",
        "MolarVolume",
        "Power",
        "Pressure",
        "RadiantFlux",
        "RadiantIntensity",
        "Radioactivity",
        "RelativeHumidity",
        "Resistance",
        "Resistivity",
        "SolidAngle",
        "SpecificVolume",
        "Speed",
        "SurfaceDensity",
        "SurfaceTension",
        "Temperature",
        "Time",
        "Torque",
        "Voltage",
        "Volume",
        "VolumeFlowRate",
        "VolumeFraction",
        "VolumetricFlux",
        "Wavenumber",
    ],
    uris: WEB_VOCABULARY,
};

const WEB_VOCABULARY: &[&str] = &[
    "https://gs1.org/voc/",
    "https://www.gs1.org/voc/",
    "https://ref.gs1.org/voc/",
];
