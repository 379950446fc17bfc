//! The colours of a PNG file (ISO/IEC 15948), as far as screenshots use the format: eight bits a
//! sample, with or without transparency, rows from top to bottom.

use std::collections::BTreeMap;
use std::io::Read;

/// Length of the signature.
const SIGNATURE: usize = 8;

/// A picture's rows of samples.
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Bytes of a pixel: red, green, blue and possibly opacity.
    samples: usize,
    rows: Vec<Vec<u8>>,
}

impl Picture {
    /// Reads a file; panics on anything that a screenshot is not.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut rest = &bytes[SIGNATURE..];
        let (mut header, mut packed) = (Vec::new(), Vec::new());
        while !rest.is_empty() {
            let length = number(&rest[..4]);
            let (kind, content) = (&rest[4..8], &rest[8..8 + length]);
            match kind {
                b"IHDR" => header = content.to_vec(),
                b"IDAT" => packed.extend_from_slice(content),
                _ => {}
            }
            // Length, kind and checksum are four bytes each.
            rest = &rest[length + 12..];
        }
        let (width, height) = (number(&header[..4]), number(&header[4..8]));
        let samples = match header[8..13] {
            [8, 2, 0, 0, 0] => 3,
            [8, 6, 0, 0, 0] => 4,
            _ => panic!("another kind of picture: {header:?}"),
        };
        let mut filtered = Vec::new();
        flate2::read::ZlibDecoder::new(packed.as_slice()).read_to_end(&mut filtered).expect("it is packed");
        let mut rows: Vec<Vec<u8>> = Vec::new();
        for row in filtered.chunks(1 + width * samples) {
            let above = rows.last().cloned().unwrap_or_else(|| vec![0; width * samples]);
            rows.push(unfilter(row[0], &row[1..], &above, samples));
        }
        assert_eq!(rows.len(), height);
        Self { width, height, samples, rows }
    }

    /// How many pixels have each colour.
    pub(super) fn colours(&self) -> BTreeMap<[u8; 3], usize> {
        let mut colours = BTreeMap::new();
        for pixel in self.rows.iter().flat_map(|row| row.chunks(self.samples)) {
            *colours.entry([pixel[0], pixel[1], pixel[2]]).or_default() += 1;
        }
        colours
    }
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, &byte| number << 8 | usize::from(byte))
}

/// A row without its filter: each sample was written as the difference from a guess.
fn unfilter(filter: u8, row: &[u8], above: &[u8], samples: usize) -> Vec<u8> {
    let mut clear: Vec<u8> = Vec::with_capacity(row.len());
    for (position, &difference) in row.iter().enumerate() {
        let before = position.checked_sub(samples);
        let (left, corner) = before.map_or((0, 0), |before| (clear[before], above[before]));
        let guess = match filter {
            0 => 0,
            1 => left,
            2 => above[position],
            3 => ((u16::from(left) + u16::from(above[position])) / 2) as u8,
            4 => nearest(left, above[position], corner),
            _ => panic!("no such filter: {filter}"),
        };
        clear.push(difference.wrapping_add(guess));
    }
    clear
}

/// Of the three neighbours the one that a plane through them is nearest to (Paeth).
fn nearest(left: u8, above: u8, corner: u8) -> u8 {
    let plane = i16::from(left) + i16::from(above) - i16::from(corner);
    let distance = |neighbour: u8| (plane - i16::from(neighbour)).abs();
    if distance(left) <= distance(above) && distance(left) <= distance(corner) {
        left
    } else if distance(above) <= distance(corner) {
        above
    } else {
        corner
    }
}
