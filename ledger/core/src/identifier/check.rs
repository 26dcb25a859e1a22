//! Check digits. Each function returns what the check character must be, or `None` where the
//! input has characters outside its alphabet or the wrong length.

/// GS1 modulo 10 over the digits left of the check digit.
///
/// Source: GS1 General Specifications §7.9: weights 3, 1, 3, 1 ... from the right.
#[must_use]
pub fn gs1(digits: &str) -> Option<char> {
    let mut sum = 0;
    for (place, digit) in digits.chars().rev().enumerate() {
        sum += digit.to_digit(10)? * if place % 2 == 0 { 3 } else { 1 };
    }
    char::from_digit((10 - sum % 10) % 10, 10)
}

/// The 31 characters of a unified social credit code, in the order of their values.
const USCC_ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/// The 18th character of a unified social credit code, from the first 17.
///
/// Source: GB 32100-2015 §4.7: weights 3^(i-1) mod 31.
#[must_use]
pub fn uscc(first_17: &str) -> Option<char> {
    let mut weight = 1;
    let mut sum = 0;
    let mut length = 0;
    for character in first_17.chars() {
        sum += USCC_ALPHABET.find(character)? * weight;
        weight = weight * 3 % 31;
        length += 1;
    }
    if length != 17 {
        return None;
    }
    USCC_ALPHABET.chars().nth((31 - sum % 31) % 31)
}

/// The 14th digit of a food production licence number, from the first 13.
///
/// Source: GB/T 17710, MOD 11,10.
#[must_use]
pub fn food_production(first_13: &str) -> Option<char> {
    if first_13.len() != 13 {
        return None;
    }
    let mut product = 10;
    for digit in first_13.chars() {
        let sum = (product + digit.to_digit(10)?) % 10;
        product = (if sum == 0 { 10 } else { sum }) * 2 % 11;
    }
    char::from_digit((11 - product) % 10, 10)
}
