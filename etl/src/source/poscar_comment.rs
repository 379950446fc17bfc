//! Remarks on the elements of POSCARs: those that the comment alone names, and those that are named twice.

use crystal::poscar::PoscarReader;
use crystal::structure::Structure;

use super::Sink;
use crate::reject::{Note, Origin};

/// Code of the remark about a POSCAR whose elements are given in its comment.
const SYMBOLS_FROM_COMMENT: &str = "symbols_from_comment";
/// Code of the remark about a POSCAR whose line of symbols the symbols behind its positions contradict.
const SYMBOLS_DIFFER: &str = "symbols_differ";

/// Passes on a remark about a POSCAR of VASP 4 whose elements are given by its comment only, because the words of a
/// comment may be element symbols by chance, and one about a POSCAR that names elements twice and differently.
pub(super) fn note_symbols(
    reader: &PoscarReader,
    structure: &Structure,
    name: &str,
    origin: &Origin,
    sink: &mut dyn Sink,
) {
    let mut note = |origin: Origin, code, message| {
        sink.note(Note::new(Some(name.to_owned()), origin, code, message));
    };
    if reader.is_named_by_comment() {
        let origin = Origin { line: origin.line.or(Some(1)), ..origin.clone() };
        note(origin, SYMBOLS_FROM_COMMENT, "the comment alone names the elements".to_owned());
    }
    if let Some(message) = reader.contradiction(structure) {
        note(origin.clone(), SYMBOLS_DIFFER, message);
    }
}
