//! The meaning of single characters within a phone number.

/// The meaning of a character within a number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// A decimal digit of any script, as its ASCII digit.
    Digit(char),
    Plus,
    /// A character that means a digit but is not in Unicode's category Nd: superscript, circled, Chinese. As its ASCII
    /// digit.
    Figure(char),
    /// A separator between groups of digits.
    Separator,
    /// A character that may separate groups of digits, or two numbers.
    Punctuation,
    /// A character without a glyph. Contact lists put some around numbers.
    Invisible,
    /// Any other character: the text is not a number.
    Other,
}

impl Sign {
    pub(super) fn of(c: char) -> Self {
        match c {
            '0'..='9' => Self::Digit(c),
            'a'..='z' | 'A'..='Z' | '"' => Self::Other,
            '+' | '\u{207A}' | '\u{208A}' | '\u{FE62}' | '\u{FF0B}' => Self::Plus,
            _ if PUNCTUATION.contains(&c) => Self::Punctuation,
            _ if is_invisible(c) => Self::Invisible,
            _ if c.is_whitespace() || is_dash(c) || is_drawn_over(c) || MARKS.contains(&c) => Self::Separator,
            _ => digit(c).map(Self::Digit).or_else(|| figure(c).map(Self::Figure)).unwrap_or(Self::Other),
        }
    }
}

/// Commas, colons and similar characters.
const PUNCTUATION: [char; 14] = [
    ',', ';', ':', '|', '*', '#', '\u{060C}', '\u{066B}', '\u{066C}', '\u{3001}', '\u{FF0C}', '\u{FF1A}', '\u{FF1B}',
    '\u{FF5C}',
];

/// Dots, brackets, slashes, underscores, apostrophes, and the blanks that Unicode does not count as whitespace.
const MARKS: [char; 38] = [
    '_', '\'', '~', '\u{02BC}', '\u{2018}', '\u{2019}', '\u{2032}', '\u{203F}', '\u{2040}', '\u{2054}', '\u{FE33}',
    '\u{FE34}', '\u{FE4D}', '\u{FE4E}', '\u{FE4F}', '\u{FF3F}', '.', '(', ')', '[', ']', '/', '\u{00B7}', '\u{2022}',
    '\u{2024}', '\u{2027}', '\u{2044}', '\u{2219}', '\u{2800}', '\u{30FB}', '\u{3164}', '\u{FF08}', '\u{FF09}',
    '\u{FF0E}', '\u{FF0F}', '\u{FF3B}', '\u{FF3D}', '\u{FF65}',
];

/// Unicode's category Pd, and other characters that people use as a dash.
fn is_dash(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{058A}' | '\u{05BE}' | '\u{1400}' | '\u{1806}' | '\u{2010}'
            ..='\u{2015}'
                | '\u{2043}'
                | '\u{207B}'
                | '\u{208B}'
                | '\u{2212}'
                | '\u{2E17}'
                | '\u{2E1A}'
                | '\u{2E3A}'
                | '\u{2E3B}'
                | '\u{2E40}'
                | '\u{2E5D}'
                | '\u{301C}'
                | '\u{3030}'
                | '\u{30A0}'
                | '\u{30FC}'
                | '\u{FE31}'
                | '\u{FE32}'
                | '\u{FE58}'
                | '\u{FE63}'
                | '\u{FF0D}'
                | '\u{FF5E}'
                | '\u{10EAD}'
    )
}

/// Format characters: bidi controls, joiners, zero widths, byte-order marks, variation selectors, tags.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{00AD}'
            | '\u{034F}'
            | '\u{061C}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{20E3}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E01EF}'
    )
}

/// Combining lines through, over and under a digit, as in text that was made to look underlined.
fn is_drawn_over(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}' | '\u{20D0}'..='\u{20F0}')
}

/// Whether a character at the beginning or end of an address can be removed.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || is_invisible(c)
}

/// The zero of each script. Its other nine digits follow it (Unicode 16, category Nd).
pub(super) const ZEROS: [u32; 76] = [
    0x0030, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6,
    0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40,
    0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x10D40, 0x11066,
    0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x116D0, 0x116DA, 0x11730, 0x118E0,
    0x11950, 0x11BF0, 0x11C50, 0x11D50, 0x11DA0, 0x11F50, 0x16130, 0x16A60, 0x16AC0, 0x16B50, 0x16D70, 0x1CCF0,
    0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E5F1, 0x1E950, 0x1FBF0,
];

/// The ASCII digit for a decimal digit of any script.
fn digit(c: char) -> Option<char> {
    let code = u32::from(c);
    let zero = ZEROS[..ZEROS.partition_point(|zero| *zero <= code)].last()?;
    char::from_digit(code - zero, 10)
}

/// The first character of a row of figures, its value, and the length of the row (Unicode's `Numeric_Type=Digit`, the
/// Suzhou numerals, and the additions in the block Enclosed Alphanumeric Supplement).
const FIGURES: [(u32, u32, u32); 25] = [
    (0xB2, 2, 2),
    (0xB9, 1, 1),
    (0x1369, 1, 9),
    (0x19DA, 1, 1),
    (0x2070, 0, 1),
    (0x2074, 4, 6),
    (0x2080, 0, 10),
    (0x2460, 1, 9),
    (0x2474, 1, 9),
    (0x2488, 1, 9),
    (0x24EA, 0, 1),
    (0x24F5, 1, 9),
    (0x24FF, 0, 1),
    (0x2776, 1, 9),
    (0x2780, 1, 9),
    (0x278A, 1, 9),
    (0x3007, 0, 1),
    (0x3021, 1, 9),
    (0x10A40, 1, 4),
    (0x10E60, 1, 9),
    (0x11052, 1, 9),
    (0x1F100, 0, 1),
    (0x1F101, 0, 10),
    (0x1F10B, 0, 1),
    (0x1F10C, 0, 1),
];
const CHINESE: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];

/// The ASCII digit that a figure represents.
fn figure(c: char) -> Option<char> {
    let code = u32::from(c);
    let (first, value, count) = FIGURES[..FIGURES.partition_point(|(first, ..)| *first <= code)].last()?;
    let in_row = (code - first < *count).then(|| value + code - first);
    let chinese = || CHINESE.iter().position(|other| *other == c).and_then(|value| u32::try_from(value).ok());
    char::from_digit(in_row.or_else(chinese)?, 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_script_has_ten_digits() {
        assert!(ZEROS.is_sorted());
        for zero in ZEROS {
            for value in 0..10 {
                let c = char::from_u32(zero + value).unwrap();
                assert!(digit(c) == char::from_digit(value, 10), "{c:?}");
            }
            assert_eq!(char::from_u32(zero + 10).filter(|c| !ZEROS.contains(&u32::from(*c))).and_then(digit), None);
        }
    }

    #[test]
    fn each_figure_stands_for_a_digit() {
        assert!(FIGURES.is_sorted());
        for (figures, digits) in [
            ("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"),
            ("₀₁₂₃₄₅₆₇₈₉", "0123456789"),
            ("⓪①②③④⑤⑥⑦⑧⑨", "0123456789"),
            ("⑴⑵⑶⑷⑸⑹⑺⑻⑼", "123456789"),
            ("🄀⒈⒉⒊⒋⒌⒍⒎⒏⒐", "0123456789"),
            ("🄁🄂🄃🄄🄅🄆🄇🄈🄉🄊", "0123456789"),
            ("⓿❶❷❸❹❺❻❼❽❾", "0123456789"),
            ("🄋➀➁➂➃➄➅➆➇➈", "0123456789"),
            ("🄌➊➋➌➍➎➏➐➑➒", "0123456789"),
            ("⓵⓶⓷⓸⓹⓺⓻⓼⓽", "123456789"),
            ("〇〡〢〣〤〥〦〧〨〩", "0123456789"),
            ("零一二三四五六七八九", "0123456789"),
            ("፩፪፫፬፭፮፯፰፱", "123456789"),
        ] {
            assert_eq!(figures.chars().map(figure).collect::<Option<String>>().as_deref(), Some(digits), "{figures}");
        }
        for c in "ab十⑩½Ⅳ\u{B1}\u{B4}\u{2071}\u{207A}\u{208A}\u{1F10D}".chars() {
            assert_eq!(figure(c), None, "{c:?}");
        }
    }
}
