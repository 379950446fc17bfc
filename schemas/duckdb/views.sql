-- Views over one feature store for DuckDB 1.2 and later.
--
--   SET VARIABLE store = 'data/oqmd';
--   .read schemas/duckdb/views.sql
--   FROM crystals LIMIT 5;
--
-- crystals     one row a crystal: the shards as they are; the columns are documented in
--              schemas/src/store.rs
-- sites        one row an atom
-- edges        one row an edge, from a neighbour (source) to its centre atom (target); none for an atom
--              without a neighbour within the cutoff
-- first_shell  the edges between an atom and its nearest neighbours
-- rejects      what was left out of the store, and why: from the folder beside it, data/oqmd.store
--
-- Name the store by its folder's own name, not by `.` or a link. Of a store of format version 1, whose rejects are in
-- its own folder, `rejects` cannot be made; the other views can.

-- Symbol of an element from its atomic number, 1 to 118.
CREATE OR REPLACE MACRO element_symbol(atomic_number) AS [
    'H', 'He', 'Li', 'Be', 'B', 'C', 'N', 'O', 'F', 'Ne', 'Na', 'Mg', 'Al', 'Si', 'P', 'S', 'Cl', 'Ar', 'K', 'Ca',
    'Sc', 'Ti', 'V', 'Cr', 'Mn', 'Fe', 'Co', 'Ni', 'Cu', 'Zn', 'Ga', 'Ge', 'As', 'Se', 'Br', 'Kr', 'Rb', 'Sr', 'Y',
    'Zr', 'Nb', 'Mo', 'Tc', 'Ru', 'Rh', 'Pd', 'Ag', 'Cd', 'In', 'Sn', 'Sb', 'Te', 'I', 'Xe', 'Cs', 'Ba', 'La', 'Ce',
    'Pr', 'Nd', 'Pm', 'Sm', 'Eu', 'Gd', 'Tb', 'Dy', 'Ho', 'Er', 'Tm', 'Yb', 'Lu', 'Hf', 'Ta', 'W', 'Re', 'Os', 'Ir',
    'Pt', 'Au', 'Hg', 'Tl', 'Pb', 'Bi', 'Po', 'At', 'Rn', 'Fr', 'Ra', 'Ac', 'Th', 'Pa', 'U', 'Np', 'Pu', 'Am', 'Cm',
    'Bk', 'Cf', 'Es', 'Fm', 'Md', 'No', 'Lr', 'Rf', 'Db', 'Sg', 'Bh', 'Hs', 'Mt', 'Ds', 'Rg', 'Cn', 'Nh', 'Fl', 'Mc',
    'Lv', 'Ts', 'Og'
][atomic_number];

-- Stores of the format versions 1 and 2 lack the columns named below, which are NULL for them.
CREATE OR REPLACE VIEW crystals AS
FROM read_parquet(rtrim(getvariable('store'), '/') || '/*.parquet')
UNION ALL BY NAME
SELECT
    NULL::VARCHAR AS immutable_id,
    NULL::VARCHAR AS chemical_formula_anonymous,
    NULL::DOUBLE[] AS elements_ratios,
    NULL::VARCHAR[] AS species_at_sites,
    NULL::INTEGER[] AS dimension_types,
    NULL::UINTEGER AS nperiodic_dimensions,
    NULL::UINTEGER AS space_group_number,
    NULL::VARCHAR AS structure_hash
WHERE false;

-- Sites are counted from 0, as the edges name them; lists in DuckDB count from 1.
CREATE OR REPLACE VIEW sites AS
WITH site AS (
    SELECT
        material_id,
        unnest(range(nsites)) AS site,
        unnest(atomic_numbers) AS atomic_number,
        fractional_site_positions AS f,
        lattice_vectors AS l
    FROM crystals
), fraction AS (
    SELECT * EXCLUDE (f), f[3 * site + 1] AS fractional_1, f[3 * site + 2] AS fractional_2, f[3 * site + 3] AS fractional_3
    FROM site
)
SELECT
    material_id,
    site,
    atomic_number,
    element_symbol(atomic_number) AS element,
    fractional_1,
    fractional_2,
    fractional_3,
    fractional_1 * l[1] + fractional_2 * l[4] + fractional_3 * l[7] AS x_angstrom,
    fractional_1 * l[2] + fractional_2 * l[5] + fractional_3 * l[8] AS y_angstrom,
    fractional_1 * l[3] + fractional_2 * l[6] + fractional_3 * l[9] AS z_angstrom
FROM fraction;

CREATE OR REPLACE VIEW edges AS
WITH edge AS (
    SELECT
        material_id,
        atomic_numbers,
        unnest(edge_source) AS source_site,
        unnest(edge_target) AS target_site,
        unnest(edge_k1) AS k1,
        unnest(edge_k2) AS k2,
        unnest(edge_k3) AS k3,
        unnest(edge_distance)::DOUBLE AS distance_angstrom,
        unnest(edge_direction) AS direction,
        unnest(edge_same_cell) AS same_cell,
        unnest(edge_direction_centred) AS direction_centred,
        unnest(edge_same_cell_centred) AS same_cell_centred
    FROM crystals
)
SELECT
    * EXCLUDE (atomic_numbers),
    element_symbol(atomic_numbers[source_site + 1]) AS source_element,
    element_symbol(atomic_numbers[target_site + 1]) AS target_element
FROM edge;

-- The first shell of an atom: neighbours at most 1.15 times as far as its nearest. The bonds of one
-- coordination polyhedron mostly differ by less; the next shell is farther in the common structures:
-- 1.155 times in body-centred cubic metals, 1.41 in rocksalt and close packings, 1.63 in diamond.
CREATE OR REPLACE VIEW first_shell AS
FROM edges
QUALIFY distance_angstrom <= 1.15 * min(distance_angstrom) OVER (PARTITION BY material_id, target_site);

-- What the views and their columns are: SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'crystals'.
-- Properties and splits are other columns in every store; `etl columns STORE --sql` prints the statements for them.
COMMENT ON VIEW crystals IS 'One row a crystal: the shards as they are';
COMMENT ON COLUMN crystals.material_id IS 'Identifier of the crystal in its source, unique in the store';
COMMENT ON COLUMN crystals.source IS 'Name of the source';
COMMENT ON COLUMN crystals.chemical_formula_reduced IS 'Elements in alphabetical order with their smallest whole-number proportions (OPTIMADE)';
COMMENT ON COLUMN crystals.elements IS 'Element symbols in alphabetical order; [nelements]';
COMMENT ON COLUMN crystals.nelements IS 'Number of different elements';
COMMENT ON COLUMN crystals.nsites IS 'Number of sites in the cell';
COMMENT ON COLUMN crystals.lattice_vectors IS 'Niggli cell, rows l1, l2, l3; a Cartesian position is x = f · L (specification 2.1); [3, 3] row-major, in Å';
COMMENT ON COLUMN crystals.a IS 'Length of l1, in Å';
COMMENT ON COLUMN crystals.b IS 'Length of l2, in Å';
COMMENT ON COLUMN crystals.c IS 'Length of l3, in Å';
COMMENT ON COLUMN crystals.alpha IS 'Angle between l2 and l3, in °';
COMMENT ON COLUMN crystals.beta IS 'Angle between l1 and l3, in °';
COMMENT ON COLUMN crystals.gamma IS 'Angle between l1 and l2, in °';
COMMENT ON COLUMN crystals.volume IS 'Volume of the cell, in Å³';
COMMENT ON COLUMN crystals.niggli_transform IS 'T of L = T · L0 with L0 the cell as published, det T = +1; [3, 3] row-major';
COMMENT ON COLUMN crystals.atomic_numbers IS 'Atomic number Z of every site, in the source''s order; [nsites]';
COMMENT ON COLUMN crystals.fractional_site_positions IS 'Fractional coordinates in the Niggli cell, wrapped into [-1e-6, 1 - 1e-6) (specification 2.1); [nsites, 3] row-major';
COMMENT ON COLUMN crystals.edge_source IS 'Neighbour site j of every edge; messages flow from source to target; [nedges]';
COMMENT ON COLUMN crystals.edge_target IS 'Centre site i of every edge, ascending; [nedges]';
COMMENT ON COLUMN crystals.edge_k1 IS 'Cell of the neighbour along l1: v = x_j + k · L - x_i (specification 2.2); [nedges]';
COMMENT ON COLUMN crystals.edge_k2 IS 'Cell of the neighbour along l2; [nedges]';
COMMENT ON COLUMN crystals.edge_k3 IS 'Cell of the neighbour along l3; [nedges]';
COMMENT ON COLUMN crystals.edge_distance IS 'Distance |v|, computed in double precision; [nedges], in Å';
COMMENT ON COLUMN crystals.edge_direction IS '9(s1+1) + 3(s2+1) + (s3+1) with s = sign(k), 0..=26, 13 the same cell (specification 2.4); [nedges]';
COMMENT ON COLUMN crystals.edge_same_cell IS 'Whether k = (0, 0, 0); [nedges]';
COMMENT ON COLUMN crystals.edge_direction_centred IS 'As edge_direction with the home cell centred on the target: independent of the origin (specification 2.4); [nedges]';
COMMENT ON COLUMN crystals.edge_same_cell_centred IS 'Whether edge_direction_centred is 13; [nedges]';
COMMENT ON COLUMN crystals.split IS 'train, val or test, where the store has exactly one split';
COMMENT ON COLUMN crystals.fold IS 'Test fold of a cross-validation, counted from 0, where the source defines one';
COMMENT ON COLUMN crystals.immutable_id IS 'Identifier that its source never changes (OPTIMADE), if it gives one; it may be material_id';
COMMENT ON COLUMN crystals.chemical_formula_anonymous IS 'Smallest whole-number proportions in descending order, of A, B, C, ... (OPTIMADE)';
COMMENT ON COLUMN crystals.elements_ratios IS 'Share of every element among the sites, in the order of elements (OPTIMADE); [nelements]';
COMMENT ON COLUMN crystals.species_at_sites IS 'Element symbol of every site, in the order of atomic_numbers (OPTIMADE); [nsites]';
COMMENT ON COLUMN crystals.dimension_types IS 'Whether the crystal is periodic along l1, l2 and l3 (OPTIMADE): always 1, 1, 1, since others are rejected; [3]';
COMMENT ON COLUMN crystals.nperiodic_dimensions IS 'Number of periodic directions (OPTIMADE): always 3';
COMMENT ON COLUMN crystals.space_group_number IS 'Number of the space group, 1..=230, within 0.01 Å (specification 2.7); none unless the store was built with --space-groups, or for more than 200 sites';
COMMENT ON COLUMN crystals.structure_hash IS 'The same for equal crystals, whatever their cell, origin, orientation and order of sites (specification 2.8)';

COMMENT ON VIEW sites IS 'One row an atom';
COMMENT ON COLUMN sites.material_id IS 'Identifier of the crystal in its source, unique in the store';
COMMENT ON COLUMN sites.site IS 'Number of the site in its crystal, counted from 0';
COMMENT ON COLUMN sites.atomic_number IS 'Atomic number Z of the site';
COMMENT ON COLUMN sites.element IS 'Symbol of the element';
COMMENT ON COLUMN sites.fractional_1 IS 'Fractional coordinate along l1 in the Niggli cell, in [-1e-6, 1 - 1e-6)';
COMMENT ON COLUMN sites.fractional_2 IS 'Fractional coordinate along l2 in the Niggli cell, in [-1e-6, 1 - 1e-6)';
COMMENT ON COLUMN sites.fractional_3 IS 'Fractional coordinate along l3 in the Niggli cell, in [-1e-6, 1 - 1e-6)';
COMMENT ON COLUMN sites.x_angstrom IS 'Cartesian coordinate x of f · L, in Å';
COMMENT ON COLUMN sites.y_angstrom IS 'Cartesian coordinate y of f · L, in Å';
COMMENT ON COLUMN sites.z_angstrom IS 'Cartesian coordinate z of f · L, in Å';

COMMENT ON VIEW edges IS 'One row an edge, from a neighbour (source) to its centre atom (target); none for an atom without a neighbour within the cutoff';
COMMENT ON COLUMN edges.material_id IS 'Identifier of the crystal in its source, unique in the store';
COMMENT ON COLUMN edges.source_site IS 'Neighbour site j of every edge; messages flow from source to target';
COMMENT ON COLUMN edges.target_site IS 'Centre site i of every edge, ascending';
COMMENT ON COLUMN edges.k1 IS 'Cell of the neighbour along l1: v = x_j + k · L - x_i (specification 2.2)';
COMMENT ON COLUMN edges.k2 IS 'Cell of the neighbour along l2';
COMMENT ON COLUMN edges.k3 IS 'Cell of the neighbour along l3';
COMMENT ON COLUMN edges.distance_angstrom IS 'Distance |v|, computed in double precision, in Å';
COMMENT ON COLUMN edges.direction IS '9(s1+1) + 3(s2+1) + (s3+1) with s = sign(k), 0..=26, 13 the same cell (specification 2.4)';
COMMENT ON COLUMN edges.same_cell IS 'Whether k = (0, 0, 0)';
COMMENT ON COLUMN edges.direction_centred IS 'As edge_direction with the home cell centred on the target: independent of the origin (specification 2.4)';
COMMENT ON COLUMN edges.same_cell_centred IS 'Whether edge_direction_centred is 13';
COMMENT ON COLUMN edges.source_element IS 'Symbol of the neighbour''s element';
COMMENT ON COLUMN edges.target_element IS 'Symbol of the centre''s element';

COMMENT ON VIEW first_shell IS 'The edges between an atom and its neighbours that are at most 1.15 times as far as the nearest';
COMMENT ON COLUMN first_shell.material_id IS 'Identifier of the crystal in its source, unique in the store';
COMMENT ON COLUMN first_shell.source_site IS 'Neighbour site j of every edge; messages flow from source to target';
COMMENT ON COLUMN first_shell.target_site IS 'Centre site i of every edge, ascending';
COMMENT ON COLUMN first_shell.k1 IS 'Cell of the neighbour along l1: v = x_j + k · L - x_i (specification 2.2)';
COMMENT ON COLUMN first_shell.k2 IS 'Cell of the neighbour along l2';
COMMENT ON COLUMN first_shell.k3 IS 'Cell of the neighbour along l3';
COMMENT ON COLUMN first_shell.distance_angstrom IS 'Distance |v|, computed in double precision, in Å';
COMMENT ON COLUMN first_shell.direction IS '9(s1+1) + 3(s2+1) + (s3+1) with s = sign(k), 0..=26, 13 the same cell (specification 2.4)';
COMMENT ON COLUMN first_shell.same_cell IS 'Whether k = (0, 0, 0)';
COMMENT ON COLUMN first_shell.direction_centred IS 'As edge_direction with the home cell centred on the target: independent of the origin (specification 2.4)';
COMMENT ON COLUMN first_shell.same_cell_centred IS 'Whether edge_direction_centred is 13';
COMMENT ON COLUMN first_shell.source_element IS 'Symbol of the neighbour''s element';
COMMENT ON COLUMN first_shell.target_element IS 'Symbol of the centre''s element';

CREATE OR REPLACE VIEW rejects AS
FROM read_parquet(rtrim(getvariable('store'), '/') || '.store/rejects.parquet');

COMMENT ON VIEW rejects IS 'What was left out of the store, and why: one row an entry';
COMMENT ON COLUMN rejects.material_id IS 'Identifier of the entry, where it could be read';
COMMENT ON COLUMN rejects.source_file IS 'Input file, `archive!member` for an archive';
COMMENT ON COLUMN rejects.record IS 'Position of the entry in its input, counted from 1';
COMMENT ON COLUMN rejects.line IS 'Line of the fault, counted from 1, where there is one';
COMMENT ON COLUMN rejects.reason IS 'Stable code; `filtered` for an entry that a filter dropped';
COMMENT ON COLUMN rejects.message IS 'What is wrong, with the value at fault';
