//! What the shops of these tests sell: codes with right check digits, names, prices.

/// A GTIN-13 of the prefix that GS1 keeps for demonstrations, with its check digit.
#[must_use]
pub fn gtin13(number: u32) -> String {
    let body = format!("952{number:09}");
    let weighted = body.bytes().zip([1_u32, 3].into_iter().cycle());
    let sum: u32 = weighted
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// The item number that an import gives a code: the GTIN in 14 digits.
#[must_use]
pub fn item(number: u32) -> String {
    format!("0{}", gtin13(number))
}

/// What one of a ware costs, in minor units.
#[must_use]
pub fn price_minor(number: u32) -> i64 {
    100 + i64::from(number) * 7
}

/// A catalogue of wares 1 to `count` as CSV.
#[must_use]
pub fn catalogue(count: u32) -> String {
    let mut csv = String::from("gtin,name,unit_price\n");
    for number in 1..=count {
        let price = price_minor(number);
        let (whole, rest) = (price / 100, price % 100);
        csv += &format!("{},Ware {number},{whole}.{rest:02}\n", gtin13(number));
    }
    csv
}

/// Opening stock of wares 1 to `count`, so many of each, as CSV.
#[must_use]
pub fn opening(count: u32, pieces: u32) -> String {
    let rows = (1..=count).map(|it| format!("{},{pieces}\n", gtin13(it)));
    std::iter::once("gtin,quantity\n".to_owned())
        .chain(rows)
        .collect()
}

/// A number from a seed and a step (SplitMix64).
#[must_use]
pub fn draw(seed: u64, step: u64) -> u64 {
    let mut bits = seed.wrapping_add(step.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A time as the API takes it, from milliseconds since 1970 (Howard Hinnant's `civil_from_days`).
#[must_use]
pub fn iso_time(millis: i64) -> String {
    let (days, second) = (
        millis.div_euclid(86_400_000),
        millis.rem_euclid(86_400_000) / 1_000,
    );
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_check_digits() {
        assert_eq!(iso_time(0), "1970-01-01T00:00:00Z");
        assert_eq!(iso_time(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(iso_time(1_798_761_599_000), "2026-12-31T23:59:59Z");
        assert_eq!(gtin13(1), "9520000000011");
        assert_eq!(gtin13(2), "9520000000028");
    }
}
