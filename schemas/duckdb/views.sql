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
-- rejects      what was left out of the store, and why

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

CREATE OR REPLACE VIEW crystals AS
FROM read_parquet(getvariable('store') || '/*.parquet');

CREATE OR REPLACE VIEW rejects AS
FROM read_parquet(getvariable('store') || '/rejects/rejects.parquet');

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
