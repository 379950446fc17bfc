//! Data names for symmetry that no dictionary defines, and those of the dictionaries for magnetic (magCIF) and
//! modulated structures (msCIF).
//!
//! A data name of these categories that holds operations or a symbol must not be ignored. Otherwise the sites of an
//! asymmetric unit would be taken for the complete unit cell.

use super::tag::{self, Tag};

/// Longest data name that is recognised, in bytes. Names in the dictionaries are at most half as long.
const LONGEST: usize = 128;

/// Parts of data names whose values describe the space group or a related one without giving its operations.
const DESCRIPTIONS: [&str; 10] = [
    "wyckoff",
    "patterson",
    "point_group",
    "description",
    "details",
    "reference",
    "transform",
    "bravais",
    "laue",
    "centring_type",
];

/// Returns the tag of a data name.
#[inline]
pub(super) fn recognise(name: &[u8]) -> Tag {
    match tag::recognise(name) {
        Tag::Other if matches!(name.get(1), Some(b's' | b'S')) => of_symmetry(name),
        tag => tag,
    }
}

/// Returns the tag of an unusual data name in the categories `symmetry` and `space_group`.
#[cold]
fn of_symmetry(name: &[u8]) -> Tag {
    let mut buffer = [0; LONGEST];
    let Some(place) = buffer.get_mut(..name.len()) else { return Tag::Other };
    for (to, &from) in place.iter_mut().zip(name) {
        *to = if matches!(from, b'.' | b'-') { b'_' } else { from.to_ascii_lowercase() };
    }
    let Ok(name) = std::str::from_utf8(place) else { return Tag::Other };
    let name = name.trim_end_matches('_');
    if !name.starts_with("_symmetry") && !name.starts_with("_space_group") {
        return Tag::Other;
    }
    let has = |part: &str| name.contains(part);
    let ends = |part: &str| name.ends_with(part);
    let is_key = ends("id") || has("_id_");
    if has("_ssg") {
        return Tag::Superspace;
    }
    if has("_magn") {
        return match (has("xyz"), has("center") || has("centring")) {
            (true, true) => Tag::MagneticCentring,
            (true, false) => Tag::MagneticOperation,
            _ if has("magn_name") || has("magn_number") => Tag::MagneticGroup,
            _ => Tag::Other,
        };
    }
    if is_key || DESCRIPTIONS.iter().any(|part| has(part)) {
        return Tag::Other;
    }
    if has("generator") || has("matrix") || has("schoenflies") {
        return Tag::OtherSymmetry;
    }
    if has("xyz") {
        return Tag::OtherOperation;
    }
    if has("h_m") || has("hermann") {
        return Tag::OtherHermannMauguin;
    }
    if has("hall") {
        return Tag::OtherHall;
    }
    if has("coordinate_system") {
        return Tag::CoordinateSystem;
    }
    if has("crystal_system") || has("cell_setting") {
        return Tag::CrystalSystem;
    }
    if has("symop") || has("equiv_pos") || has("operation") {
        return Tag::OtherSymmetry;
    }
    if ends("number") || has("tables") || ends("_no") {
        return Tag::OtherGroupNumber;
    }
    if ends("name") || ends("symbol") || ends("group") {
        return Tag::OtherHermannMauguin;
    }
    Tag::Other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_symmetry() {
        for (name, tag) in [
            ("_symmetry_equiv_pos_as_xyz_", Tag::OtherOperation),
            ("_space_group_symop_xyz", Tag::OtherOperation),
            ("_space_group_H-M_symbol", Tag::OtherHermannMauguin),
            ("_symmetry_space_group_name", Tag::OtherHermannMauguin),
            ("_symmetry_group_name_H-M", Tag::OtherHermannMauguin),
            ("_symmetry.pdbx_full_space_group_name_H-M", Tag::OtherHermannMauguin),
            ("_symmetry_space_group", Tag::OtherHermannMauguin),
            ("_symmetry_group_IT_number", Tag::OtherGroupNumber),
            ("_symmetry_hall_symbol", Tag::OtherHall),
            ("_space_group_IT_coordinate_system_code", Tag::CoordinateSystem),
            ("_symmetry_cell_setting", Tag::CrystalSystem),
            ("_space_group_name_Schoenflies", Tag::OtherSymmetry),
            ("_space_group_generator.xyz", Tag::OtherSymmetry),
            ("_space_group_symop.operation_matrix", Tag::OtherSymmetry),
            ("_space_group_symop_magn_operation.xyz", Tag::MagneticOperation),
            ("_space_group_symop.magn_operation_xyz", Tag::MagneticOperation),
            ("_space_group_symop_magn_centering.xyz", Tag::MagneticCentring),
            ("_space_group_symop.magn_centering_xyz", Tag::MagneticCentring),
            ("_space_group_magn.name_BNS", Tag::MagneticGroup),
            ("_space_group_magn.number_OG", Tag::MagneticGroup),
            ("_space_group_ssg_name_IT", Tag::Superspace),
            ("_space_group_symop_ssg_operation_algebraic", Tag::Superspace),
            ("_space_group_symop_magn_ssg_operation.algebraic", Tag::Superspace),
            ("_space_group_symop_magn_operation.mxmymz", Tag::Other),
            ("_space_group_symop.magn_id", Tag::Other),
            ("_space_group_magn.transform_BNS_Pp_abc", Tag::Other),
            ("_space_group_magn.point_group_name", Tag::Other),
            ("_space_group_symop_id", Tag::Other),
            ("_space_group_symop.sg_id", Tag::Other),
            ("_symmetry_equiv_pos_site_id", Tag::Other),
            ("_space_group_id", Tag::Other),
            ("_space_group_Patterson_name_H-M", Tag::Other),
            ("_space_group_point_group_H-M", Tag::Other),
            ("_space_group_name_H-M_alt_description", Tag::Other),
            ("_space_group_Wyckoff.coords_xyz", Tag::Other),
            ("_space_group_Bravais_type", Tag::Other),
            ("_space_group.reference_setting", Tag::Other),
            ("_space_group.transform_Pp_abc", Tag::Other),
            ("_symmetry_special_details", Tag::Other),
            ("_software_name", Tag::Other),
            ("_s", Tag::Other),
        ] {
            assert_eq!(of_symmetry(name.as_bytes()), tag, "{name}");
        }
        assert_eq!(of_symmetry(&[b'_'; 1000]), Tag::Other);
        assert_eq!(of_symmetry("_symmetry_é".as_bytes()), Tag::Other);
    }
}
