//! The data names of a CIF that concern the structure.

/// A known data name. Old (`_symmetry_...`), new (`_space_group_...`) and dotted (DDLm) forms have the same tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Tag {
    /// Any other data name.
    Other,
    /// `_cell_length_a`, Å.
    LengthA,
    /// `_cell_length_b`, Å.
    LengthB,
    /// `_cell_length_c`, Å.
    LengthC,
    /// `_cell_angle_alpha`, degrees.
    AngleAlpha,
    /// `_cell_angle_beta`, degrees.
    AngleBeta,
    /// `_cell_angle_gamma`, degrees.
    AngleGamma,
    /// `_space_group_symop_operation_xyz`.
    Operation,
    /// `_symmetry_equiv_pos_as_xyz`.
    OldOperation,
    /// Symmetry operations under a data name that no dictionary defines, such as `_symmetry_equiv_pos_as_xyz_`.
    OtherOperation,
    /// `_space_group_symop_magn_operation.xyz`.
    MagneticOperation,
    /// `_space_group_symop_magn_centering.xyz`.
    MagneticCentring,
    /// Name or number of a magnetic space group, such as `_space_group_magn.name_BNS`.
    MagneticGroup,
    /// Any item of a superspace group, `_space_group_ssg_...`.
    Superspace,
    /// `_cell_modulation_dimension`.
    ModulationDimension,
    /// `_space_group_name_Hall`.
    Hall,
    /// `_symmetry_space_group_name_Hall`.
    OldHall,
    /// `_space_group_name_H-M_alt`.
    HermannMauguin,
    /// `_symmetry_space_group_name_H-M`.
    OldHermannMauguin,
    /// `_space_group_name_H-M_full`.
    HermannMauguinFull,
    /// `_space_group_name_H-M_ref`.
    HermannMauguinReference,
    /// `_space_group_IT_number`.
    GroupNumber,
    /// `_symmetry_Int_Tables_number`.
    OldGroupNumber,
    /// A Hall symbol under a data name that no dictionary defines.
    OtherHall,
    /// A Hermann-Mauguin symbol under a data name that no dictionary defines, such as `_symmetry_space_group_name`.
    OtherHermannMauguin,
    /// A space-group number under a data name that no dictionary defines.
    OtherGroupNumber,
    /// `_space_group_IT_coordinate_system_code`.
    CoordinateSystem,
    /// `_space_group_crystal_system`.
    CrystalSystem,
    /// Symmetry in an unsupported form, such as a Schoenflies symbol.
    OtherSymmetry,
    /// `_cell_volume`, Å³.
    Volume,
    /// `_cod_error_flag` of the Crystallography Open Database.
    ErrorFlag,
    /// `_chemical_formula_weight`, g/mol.
    FormulaWeight,
    /// `_exptl_crystal_density_diffrn`, g/cm³.
    Density,
    /// `_chemical_formula_sum`.
    FormulaSum,
    /// `_cell_formula_units_Z`.
    FormulaUnits,
    /// `_atom_site_label`.
    Label,
    /// `_atom_site_type_symbol`.
    TypeSymbol,
    /// `_atom_site_fract_x`.
    FractionalX,
    /// `_atom_site_fract_y`.
    FractionalY,
    /// `_atom_site_fract_z`.
    FractionalZ,
    /// `_atom_site_Cartn_x`.
    CartesianX,
    /// `_atom_site_occupancy`.
    Occupancy,
    /// `_atom_site_site_symmetry_multiplicity`.
    Multiplicity,
    /// `_atom_site_Wyckoff_symbol`. The multiplicity may stand before the letter.
    Wyckoff,
    /// `_atom_site_calc_flag`.
    CalcFlag,
    /// `_atom_site_disorder_group`.
    DisorderGroup,
    /// `_atom_site_disorder_assembly`.
    DisorderAssembly,
    /// `_atom_site_attached_hydrogens`.
    AttachedHydrogens,
}

impl Tag {
    /// Whether this is a coordinate of an atom site.
    pub(super) fn is_coordinate(self) -> bool {
        matches!(self, Self::FractionalX | Self::FractionalY | Self::FractionalZ | Self::CartesianX)
    }

    /// Whether this is an item of an atom site. [`Self::Wyckoff`] is none: a loop of Wyckoff letters need not be
    /// joined to the sites.
    pub(super) fn is_of_site(self) -> bool {
        self.is_coordinate()
            || matches!(self, Self::Label | Self::TypeSymbol | Self::Occupancy | Self::CalcFlag)
            || matches!(self, Self::DisorderGroup | Self::DisorderAssembly | Self::Multiplicity)
            || matches!(self, Self::AttachedHydrogens)
    }

    /// Whether this is a length or an angle of the unit cell.
    pub(super) fn is_of_cell(self) -> bool {
        matches!(self, Self::LengthA | Self::LengthB | Self::LengthC)
            || matches!(self, Self::AngleAlpha | Self::AngleBeta | Self::AngleGamma)
    }

    /// Returns the list of operations that this is, or `None` for any other item.
    pub(super) fn list(self) -> Option<ListTag> {
        match self {
            Self::Operation => Some(ListTag::Operation),
            Self::OldOperation => Some(ListTag::OldOperation),
            Self::OtherOperation => Some(ListTag::OtherOperation),
            Self::MagneticOperation => Some(ListTag::MagneticOperation),
            Self::MagneticCentring => Some(ListTag::MagneticCentring),
            _ => None,
        }
    }
}

/// A [`Tag`] of a list of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListTag {
    /// [`Tag::Operation`].
    Operation,
    /// [`Tag::OldOperation`].
    OldOperation,
    /// [`Tag::OtherOperation`].
    OtherOperation,
    /// [`Tag::MagneticOperation`].
    MagneticOperation,
    /// [`Tag::MagneticCentring`].
    MagneticCentring,
}

/// Number of variants of [`ListTag`].
pub(super) const LISTS: usize = ListTag::MagneticCentring as usize + 1;

/// Number of variants of [`Tag`].
pub(super) const TAGS: usize = Tag::AttachedHydrogens as usize + 1;

/// All known data names, in lower case and with `_` for `.` and `-`.
const NAMES: [(&[u8], Tag); 39] = [
    (b"_cell_length_a", Tag::LengthA),
    (b"_cell_length_b", Tag::LengthB),
    (b"_cell_length_c", Tag::LengthC),
    (b"_cell_angle_alpha", Tag::AngleAlpha),
    (b"_cell_angle_beta", Tag::AngleBeta),
    (b"_cell_angle_gamma", Tag::AngleGamma),
    (b"_cell_volume", Tag::Volume),
    (b"_atom_site_fract_x", Tag::FractionalX),
    (b"_atom_site_fract_y", Tag::FractionalY),
    (b"_atom_site_fract_z", Tag::FractionalZ),
    (b"_atom_site_label", Tag::Label),
    (b"_atom_site_type_symbol", Tag::TypeSymbol),
    (b"_atom_site_occupancy", Tag::Occupancy),
    (b"_atom_site_calc_flag", Tag::CalcFlag),
    (b"_atom_site_disorder_group", Tag::DisorderGroup),
    (b"_atom_site_disorder_assembly", Tag::DisorderAssembly),
    (b"_atom_site_cartn_x", Tag::CartesianX),
    (b"_symmetry_equiv_pos_as_xyz", Tag::OldOperation),
    (b"_space_group_symop_operation_xyz", Tag::Operation),
    (b"_space_group_symop_operation_xyz_", Tag::Operation),
    (b"_symmetry_space_group_name_hall", Tag::OldHall),
    (b"_space_group_name_hall", Tag::Hall),
    (b"_symmetry_space_group_name_h_m", Tag::OldHermannMauguin),
    (b"_space_group_name_h_m_alt", Tag::HermannMauguin),
    (b"_space_group_name_h_m", Tag::HermannMauguin),
    (b"_space_group_name_h_m_full", Tag::HermannMauguinFull),
    (b"_space_group_name_h_m_ref", Tag::HermannMauguinReference),
    (b"_symmetry_int_tables_number", Tag::OldGroupNumber),
    (b"_space_group_it_number", Tag::GroupNumber),
    (b"_chemical_formula_sum", Tag::FormulaSum),
    (b"_cell_formula_units_z", Tag::FormulaUnits),
    (b"_cell_modulation_dimension", Tag::ModulationDimension),
    (b"_chemical_formula_weight", Tag::FormulaWeight),
    (b"_exptl_crystal_density_diffrn", Tag::Density),
    (b"_atom_site_symmetry_multiplicity", Tag::Multiplicity),
    (b"_atom_site_site_symmetry_multiplicity", Tag::Multiplicity),
    (b"_atom_site_attached_hydrogens", Tag::AttachedHydrogens),
    (b"_atom_site_wyckoff_symbol", Tag::Wyckoff),
    (b"_cod_error_flag", Tag::ErrorFlag),
];

/// Length of the longest of [`NAMES`] plus one.
const LONGEST: usize = 38;

/// Largest number of names with the same length.
const SAME_LENGTH: usize = 6;

/// Indices into [`NAMES`] by length. Unused places hold the number of names.
static BY_LENGTH: [[u8; SAME_LENGTH]; LONGEST] = by_length();

const fn by_length() -> [[u8; SAME_LENGTH]; LONGEST] {
    let mut table = [[NAMES.len() as u8; SAME_LENGTH]; LONGEST];
    let mut index = 0;
    while index < NAMES.len() {
        let length = NAMES[index].0.len();
        let mut place = 0;
        while table[length][place] as usize != NAMES.len() {
            place += 1;
        }
        table[length][place] = index as u8;
        index += 1;
    }
    table
}

/// Returns the tag of a data name in [`NAMES`]. Case is ignored, and `.` or `-` may replace `_`.
#[inline]
pub(super) fn recognise(name: &[u8]) -> Tag {
    if let Some(candidates) = BY_LENGTH.get(name.len()) {
        for &index in candidates {
            let Some((known, tag)) = NAMES.get(usize::from(index)) else { break };
            if is_same(name, known) {
                return *tag;
            }
        }
    }
    Tag::Other
}

/// Compares two names of equal length. Their ends are compared first, because names of one category differ there.
#[inline]
fn is_same(name: &[u8], known: &[u8]) -> bool {
    let is_like = |(&byte, &expected): (&u8, &u8)| {
        byte == expected
            || byte.to_ascii_lowercase() == expected
            || (expected == b'_' && matches!(byte, b'.' | b'-'))
    };
    let ends = name.last().zip(known.last());
    ends.is_some_and(is_like) && (name == known || name.iter().zip(known).all(is_like))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_recognised_in_every_form() {
        for (name, tag) in NAMES {
            assert_eq!(recognise(name), tag);
            assert_eq!(recognise(&name.to_ascii_uppercase()), tag);
            assert_eq!(name, name.to_ascii_lowercase());
        }
        for (name, tag) in [
            ("_atom_site.fract_x", Tag::FractionalX),
            ("_cell.angle_gamma", Tag::AngleGamma),
            ("_cell.volume", Tag::Volume),
            ("_symmetry_space_group_name_H-M", Tag::OldHermannMauguin),
            ("_space_group.name_H-M_alt", Tag::HermannMauguin),
            ("_space_group_symop.operation_xyz", Tag::Operation),
            ("_symmetry_equiv.pos_as_xyz", Tag::OldOperation),
            ("_symmetry.Int_Tables_number", Tag::OldGroupNumber),
            ("_space_group.IT_number", Tag::GroupNumber),
        ] {
            assert_eq!(recognise(name.as_bytes()), tag, "{name}");
        }
    }

    #[test]
    fn other_names_are_other() {
        for name in [
            "_",
            "_cell_length_d",
            "_cell_length_a_",
            "_oqmd_space_group_name_H-M",
            "_atom_site_aniso_label",
            "_cell_volume_",
        ] {
            assert_eq!(recognise(name.as_bytes()), Tag::Other, "{name}");
        }
    }
}
