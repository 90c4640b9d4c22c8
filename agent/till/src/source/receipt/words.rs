//! The words by which receipts say what they are, in the languages of the shops that we know.
//!
//! A word counts only where no letter touches it, so that `STORNO` is not found in `STORNOFREI`;
//! Chinese has no such borders and is found anywhere. Lines are compared in capitals.

/// In front of a receipt's number, best first: a later word is looked for only where none of an
/// earlier group is there.
pub(super) const NUMBER: [&[&str]; 3] = [
    &[
        "BON",
        "BONNR",
        "KASSENBON",
        "RECEIPT",
        "TRANSACTION",
        "TRANS",
        "SCONTRINO",
        "单号",
        "小票号",
    ],
    &["RECHNUNG", "INVOICE", "TICKET", "FACTURE", "FATTURA"],
    &["BELEG", "BELEGNR", "ORDER", "NR", "NO"],
];
/// Between such a word and the number.
pub(super) const NUMBER_FILLERS: [&str; 8] =
    ["NR", "NO", "NUMMER", "NUMBER", "NUM", "ID", "N", "#"];
/// What a receipt adds up to.
pub(super) const TOTAL: [&str; 13] = [
    "TOTAL",
    "SUMME",
    "GESAMT",
    "GESAMTBETRAG",
    "GESAMTSUMME",
    "ENDBETRAG",
    "TOTALE",
    "SOMME",
    "ZU ZAHLEN",
    "AMOUNT DUE",
    "BALANCE DUE",
    "合计",
    "总计",
];
/// A sum on the way to it.
pub(super) const SUBTOTAL: [&str; 7] = [
    "SUBTOTAL",
    "SUB TOTAL",
    "SUB-TOTAL",
    "ZWISCHENSUMME",
    "SOUS-TOTAL",
    "SUBTOTALE",
    "小计",
];
/// Taxes.
pub(super) const TAX: [&str; 9] = [
    "TAX", "MWST", "UST", "VAT", "GST", "TVA", "IVA", "NETTO", "税额",
];
/// Money off: moves no goods.
pub(super) const DISCOUNT: [&str; 16] = [
    "RABATT",
    "DISCOUNT",
    "NACHLASS",
    "COUPON",
    "GUTSCHEIN",
    "REMISE",
    "SCONTO",
    "PROMO",
    "AKTION",
    "PREISVORTEIL",
    "BONUS",
    "RUNDUNG",
    "ROUNDING",
    "VOUCHER",
    "折扣",
    "优惠",
];
/// Printed again.
pub(super) const COPY: [&str; 12] = [
    "KOPIE",
    "COPY",
    "DUPLIKAT",
    "DUPLICATE",
    "DUPLICATA",
    "COPIE",
    "COPIA",
    "REPRINT",
    "NACHDRUCK",
    "ZWEITBON",
    "重印",
    "补打",
];
/// Goods that come back.
pub(super) const REFUND: [&str; 14] = [
    "RETOURE",
    "RETOUR",
    "RÜCKGABE",
    "RUECKGABE",
    "RÜCKNAHME",
    "ERSTATTUNG",
    "REFUND",
    "RETURN",
    "RETURNED",
    "REMBOURSEMENT",
    "RESO",
    "RIMBORSO",
    "退货",
    "退款",
];
/// Undone.
pub(super) const VOID: [&str; 12] = [
    "STORNO",
    "STORNIERT",
    "STORNOBON",
    "SOFORTSTORNO",
    "VOID",
    "VOIDED",
    "CANCELLED",
    "CANCELED",
    "ANNULÉ",
    "ANNULATION",
    "ANNULLATO",
    "作废",
];
/// In front of the number of another receipt that this one is about.
pub(super) const ORIGINAL: [&str; 6] = ["ORIGINAL", "ORIG", "ZU", "FOR", "OF", "原单"];
/// No sale, whatever amounts are on it.
pub(super) const REPORT: [&str; 19] = [
    "Z-BERICHT",
    "X-BERICHT",
    "Z-BON",
    "X-BON",
    "Z-ABSCHLAG",
    "TAGESABSCHLUSS",
    "KASSENABSCHLUSS",
    "KASSENSTURZ",
    "Z-REPORT",
    "X-REPORT",
    "Z REPORT",
    "X REPORT",
    "END OF DAY",
    "TRAINING",
    "SCHULUNG",
    "PROFORMA",
    "ANGEBOT",
    "ZWISCHENRECHNUNG",
    "日结",
];
/// What a payment terminal prints.
pub(super) const SLIP: [&str; 8] = [
    "KUNDENBELEG",
    "HÄNDLERBELEG",
    "HAENDLERBELEG",
    "KARTENZAHLUNG",
    "MERCHANT COPY",
    "CARDHOLDER COPY",
    "CUSTOMER COPY",
    "TERMINAL-ID",
];

/// Whether one of the words stands in a line (in capitals).
pub(super) fn says(line: &str, words: &[&str]) -> bool {
    words.iter().any(|it| position(line, it).is_some())
}

/// Behind the first place where a word stands.
pub(super) fn position(line: &str, word: &str) -> Option<usize> {
    let alone = |it: Option<char>| !it.is_some_and(char::is_alphabetic);
    let found = line.match_indices(word).find(|(at, _)| {
        let before = line.get(..*at).and_then(|it| it.chars().next_back());
        let behind = line.get(at + word.len()..).and_then(|it| it.chars().next());
        !word.is_ascii() && !word.chars().any(|it| it.is_ascii_alphabetic())
            || alone(before) && alone(behind)
    });
    found.map(|(at, _)| at + word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_alone() {
        for (line, words, want) in [
            ("STORNO ZU BON 815", &VOID[..], true),
            ("STORNOFREI", &VOID, false),
            ("SUBTOTAL 9.99", &TOTAL, false),
            ("合计8.80", &TOTAL, true),
            ("*** RÜCKGABE ***", &REFUND, true),
            ("BONBON 1,00", NUMBER[0], false),
        ] {
            assert_eq!(says(line, words), want, "{line}");
        }
    }
}
