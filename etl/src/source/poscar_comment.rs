//! A remark on POSCARs whose comment alone names the elements.

use crystal::poscar::PoscarReader;

use super::Sink;
use crate::reject::{Note, Origin};

/// Code of the remark about a POSCAR whose elements are given in its comment.
const SYMBOLS_FROM_COMMENT: &str = "symbols_from_comment";

/// Passes on a remark about a POSCAR of VASP 4 whose elements are given by its comment only. The words of a comment
/// may be element symbols by chance.
pub(super) fn note_comment(reader: &PoscarReader, name: &str, origin: &Origin, sink: &mut dyn Sink) {
    if reader.is_named_by_comment() {
        let origin = Origin { line: origin.line.or(Some(1)), ..origin.clone() };
        let message = "the comment alone names the elements".to_owned();
        sink.note(Note::new(Some(name.to_owned()), origin, SYMBOLS_FROM_COMMENT, message));
    }
}
