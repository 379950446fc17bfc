//! Chemical elements: symbols and atomic numbers.

/// Symbol of every element by atomic number. Index 0 is the placeholder `X`.
pub const SYMBOLS: [&str; 119] = [
    "X", "H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ar",
    "K", "Ca", "Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br", "Kr",
    "Rb", "Sr", "Y", "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I", "Xe",
    "Cs", "Ba", "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu",
    "Hf", "Ta", "W", "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po", "At", "Rn", "Fr", "Ra",
    "Ac", "Th", "Pa", "U", "Np", "Pu", "Am", "Cm", "Bk", "Cf", "Es", "Fm", "Md", "No", "Lr", "Rf", "Db",
    "Sg", "Bh", "Hs", "Mt", "Ds", "Rg", "Cn", "Nh", "Fl", "Mc", "Lv", "Ts", "Og",
];

/// Returns the symbol of an element, or `?` if there is no element with this atomic number.
pub fn symbol(atomic_number: u8) -> &'static str {
    SYMBOLS.get(usize::from(atomic_number)).copied().unwrap_or("?")
}

/// Number of letters of the alphabet.
const LETTERS: usize = 26;

/// Number of values of a symbol's second letter, including its absence.
const SECOND: usize = LETTERS + 1;

/// Atomic number for every pair of letters; 0 if there is no such element.
///
/// The index is the first letter times [`SECOND`], plus 0 for a symbol of one letter or 1..=26 for the second letter.
static BY_LETTERS: [u8; LETTERS * SECOND] = table();

const fn table() -> [u8; LETTERS * SECOND] {
    let mut table = [0; LETTERS * SECOND];
    let mut number = 1;
    while number < SYMBOLS.len() {
        let symbol = SYMBOLS[number].as_bytes();
        let second = if symbol.len() == 2 { (symbol[1] - b'a') as usize + 1 } else { 0 };
        table[(symbol[0] - b'A') as usize * SECOND + second] = number as u8;
        number += 1;
    }
    table[(b'D' - b'A') as usize * SECOND] = 1;
    table[(b'T' - b'A') as usize * SECOND] = 1;
    table
}

/// Returns the atomic number, 1..=118, of an element symbol, or `None` if it is unknown.
///
/// Case is ignored (`FE`, `fe` and `Fe` are iron). Deuterium `D` and tritium `T` count as hydrogen. The text must be
/// the symbol alone, without blanks, charges or indices.
pub fn atomic_number(symbol: &str) -> Option<u8> {
    atomic_number_of(symbol.as_bytes())
}

/// Returns the atomic number of an element symbol given as bytes. See [`atomic_number`].
pub fn atomic_number_of(symbol: &[u8]) -> Option<u8> {
    let index = match *symbol {
        [first] => letter(first)? * SECOND,
        [first, second] => letter(first)? * SECOND + letter(second)? + 1,
        _ => return None,
    };
    BY_LETTERS.get(index).copied().filter(|&number| number != 0)
}

/// Returns the atomic number of a symbol that may have an oxidation state: `Fe3+`, `O2-`, `Na+`, `Mn2.5+`, `Fe0+`.
pub fn atomic_number_of_ion(symbol: &[u8]) -> Option<u8> {
    let (bare, state) = symbol.split_at(symbol.iter().take_while(|byte| byte.is_ascii_alphabetic()).count());
    let is_state = match state {
        [] => true,
        [digits @ .., b'+' | b'-'] => digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'),
        _ => false,
    };
    if is_state { atomic_number_of(bare) } else { None }
}

/// Returns the position of a letter in the alphabet: 0 for `A` or `a` up to 25 for `Z` or `z`.
fn letter(byte: u8) -> Option<usize> {
    byte.is_ascii_alphabetic().then(|| usize::from((byte | 0x20) - b'a'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symbol_is_found_in_every_case() {
        for (number, symbol) in SYMBOLS.iter().enumerate().skip(1) {
            let number = Some(u8::try_from(number).expect("at most 118"));
            assert_eq!(atomic_number(symbol), number, "{symbol}");
            assert_eq!(atomic_number(&symbol.to_uppercase()), number, "{symbol}");
            assert_eq!(atomic_number(&symbol.to_lowercase()), number, "{symbol}");
        }
    }

    #[test]
    fn symbols_have_their_well_known_numbers() {
        for (symbol, number) in
            [("H", 1), ("O", 8), ("Fe", 26), ("Xe", 54), ("W", 74), ("U", 92), ("Og", 118)]
        {
            assert_eq!(atomic_number(symbol), Some(number), "{symbol}");
        }
    }

    #[test]
    fn heavy_hydrogen_is_hydrogen() {
        assert_eq!(atomic_number("D"), Some(1));
        assert_eq!(atomic_number("T"), Some(1));
    }

    #[test]
    fn anything_else_is_no_element() {
        for text in ["", "X", "J", "Fe ", " Fe", "Fe2", "Zz", "Uuo", "É", "O-", "1", "é"] {
            assert_eq!(atomic_number(text), None, "{text:?}");
        }
    }
}
