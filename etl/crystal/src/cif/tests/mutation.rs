//! Damaged files never make the reader panic.

use super::accepted::FILES;
use super::*;

/// Number of files read in the test.
const EXECUTIONS: usize = 100_000;

/// Texts that change the meaning of a file.
const PIECES: [&[u8]; 32] = [
    b"loop_\n",
    b"\ndata_x\n",
    b"\nsave_f\n",
    b"\nsave_\n",
    b"'",
    b"\"",
    b"\n;",
    b"\n;\n",
    b"?",
    b" . ",
    b"#",
    b"\r",
    b"_atom_site_fract_x ",
    b"_atom_site_label ",
    b"_cell_length_a ",
    b"1e999",
    b"1e-320",
    b"-9e15",
    b"0.333(4)",
    b"x,y,z",
    b"-x,y+1/2,-z",
    b"_space_group_name_Hall 'F 2 2 -1d'",
    b"_space_group_name_H-M_alt R-3m:H",
    b"_space_group_IT_number 230",
    b"#\\#CIF_2.0\n",
    b"[",
    b"]",
    b"{'a':",
    b"}",
    b"'''",
    b"\xef\xbb\xbf",
    b"\0",
];

/// A linear congruential generator with output mixing (PCG XSH-RR, O'Neill 2014), which is sufficient to choose
/// edits.
struct Choices(u64);

impl Choices {
    fn next(&mut self) -> u32 {
        let state = self.0;
        self.0 = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (((state >> 18) ^ state) >> 27) as u32;
        mixed.rotate_right((state >> 59) as u32)
    }

    /// Returns a number in 0..count.
    fn below(&mut self, count: usize) -> usize {
        self.next() as usize % count.max(1)
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..(start + self.below(40)).min(length)
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        match self.below(7) {
            0 => {
                let byte = self.next() as u8;
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
            1 => drop(bytes.drain(self.range(bytes.len()))),
            2 => bytes.truncate(at),
            3 => {
                let copied = bytes[self.range(bytes.len())].to_vec();
                bytes.splice(at..at, copied);
            }
            4 => {
                let other = FILES[self.below(FILES.len())];
                let from = self.range(other.len());
                bytes.splice(at..at, other[from].iter().copied());
            }
            _ => {
                let piece = PIECES[self.below(PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
        }
    }
}

#[test]
fn damaged_files_are_read_or_refused() {
    let mut choices = Choices(20_26);
    let mut reader = CifReader::new();
    let (mut read, mut refused) = (0usize, 0usize);
    let mut bytes = Vec::new();
    for execution in 0..EXECUTIONS {
        bytes.clear();
        bytes.extend_from_slice(FILES[execution % FILES.len()]);
        for _ in 0..1 + choices.below(6) {
            choices.damage(&mut bytes);
        }
        let mut results = 0;
        reader.read(&bytes, &mut |block, result| {
            assert_eq!(block.index, results);
            results += 1;
            match result {
                Ok(structure) => {
                    read += 1;
                    assert_eq!(structure.fractional.len(), structure.atomic_numbers.len());
                    assert!(!structure.fractional.is_empty());
                    assert!(structure.fractional.iter().flatten().all(|x| x.is_finite()));
                    assert!(structure.lattice.iter().flatten().all(|x| x.is_finite()));
                    assert!(structure.atomic_numbers.iter().all(|number| (1..=118).contains(number)));
                }
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().is_empty() && error.reason_code().starts_with("cif_"));
                }
            }
        });
        assert!(results > 0, "{:?}", String::from_utf8_lossy(&bytes));
    }
    // Both ways are taken often.
    assert!(read > EXECUTIONS / 10 && refused > EXECUTIONS / 10, "{read} read, {refused} refused");
}
