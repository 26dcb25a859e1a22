//! Why a text names nothing here; each value carries what a remedy needs.

use super::Kind;

/// Why an identifier was refused. The fault is the sender's or the label's, never the reader's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// Nothing was given.
    #[error("the identifier is empty")]
    Empty,
    /// Longer than any identifier.
    #[error("the identifier has {bytes} bytes, more than {max}")]
    TooLong {
        /// Bytes given.
        bytes: usize,
        /// Most bytes allowed.
        max: usize,
    },
    /// A field that must hold an absolute URI does not.
    #[error("not an absolute URI: it has no scheme such as https: or urn:")]
    NotAUri,
    /// A character that this field cannot hold.
    #[error("{field} cannot contain {character:?}")]
    BadCharacter {
        /// The field, with its application identifier where it has one.
        field: String,
        /// The first offending character.
        character: char,
    },
    /// Too few or too many characters.
    #[error("{field} has {length} characters; it must have {min} to {max}")]
    BadLength {
        /// The field, with its application identifier where it has one.
        field: String,
        /// Characters given.
        length: usize,
        /// Fewest characters allowed.
        min: usize,
        /// Most characters allowed; for a GTIN only 8, 12, 13 or 14.
        max: usize,
    },
    /// A digit was misread or mistyped.
    #[error("the check digit of this {} is {given} but must be {expected}: a digit is wrong", kind.name())]
    CheckDigit {
        /// The kind of key.
        kind: Kind,
        /// The check digit that was given.
        given: char,
        /// The check digit that the other digits call for.
        expected: char,
    },
    /// Qualifiers are there, but not in the order of GS1 Digital Link URI Syntax §4.
    #[error("({qualifier}) may not follow what stands before it under ({key}); the order is fixed")]
    QualifierOrder {
        /// Application identifier of the key.
        key: String,
        /// The qualifier that came too late.
        qualifier: String,
    },
    /// A path element that does not qualify this key.
    #[error("({qualifier}) does not qualify ({key})")]
    UnknownQualifier {
        /// Application identifier of the key.
        key: String,
        /// What was found in its place.
        qualifier: String,
    },
    /// A `%` not followed by two hexadecimal digits, or bytes that are not UTF-8.
    #[error("broken percent-encoding in {text:?}")]
    BadEscape {
        /// The text with the broken escape.
        text: String,
    },
    /// A date that no calendar has.
    #[error("({ai}) is not a date: {value}")]
    BadDate {
        /// Application identifier of the date.
        ai: String,
        /// The digits given.
        value: String,
    },
    /// An application identifier this reader does not know.
    #[error("unknown GS1 application identifier at {at:?}")]
    UnknownAi {
        /// The text where an application identifier was expected, at most 8 characters.
        at: String,
    },
    /// The same application identifier twice, with different values.
    #[error("({ai}) stands twice with different values")]
    Conflict {
        /// The application identifier.
        ai: String,
    },
    /// Attributes, but no key that says what they belong to.
    #[error("the code has no key such as (01) GTIN or (00) SSCC")]
    NoKey,
    /// A GS1 Digital Link in its compressed form.
    #[error("this is a compressed GS1 Digital Link, which is not read here; use the plain form")]
    Compressed,
    /// In our own namespace, but none of its forms.
    #[error("urn:suyuan: has no form {form:?}")]
    UnknownForm {
        /// The word after `urn:suyuan:`.
        form: String,
    },
    /// The parts of an EPC URN or of one of our own forms are not those of its scheme.
    #[error("{scheme} has another number of parts, or a part that is not allowed")]
    BadParts {
        /// The scheme, for example `sgtin`.
        scheme: String,
    },
    /// Neither a barcode's content, nor a link, nor a number that we know.
    #[error("not a code that we know")]
    Unrecognised,
}
