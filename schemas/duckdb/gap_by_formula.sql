-- Band gap by formula: compounds with several crystals, by how much their gaps differ, eV.
WITH gap AS (
    -- A store without gaps has no such column: it then counts as empty.
    SELECT chemical_formula_reduced AS formula, material_id, band_gap_ev
    FROM (FROM crystals UNION ALL BY NAME SELECT NULL::DOUBLE AS band_gap_ev WHERE false)
    WHERE band_gap_ev IS NOT NULL
)
SELECT
    formula,
    count(*) AS crystals,
    round(min(band_gap_ev), 3) AS least,
    round(median(band_gap_ev), 3) AS median,
    round(max(band_gap_ev), 3) AS greatest,
    arg_min(material_id, (band_gap_ev, material_id)) AS least_in,
    arg_max(material_id, (band_gap_ev, material_id)) AS greatest_in
FROM gap
GROUP BY formula
ORDER BY count(*) > 1 DESC, max(band_gap_ev) - min(band_gap_ev) DESC, max(band_gap_ev) DESC, formula
LIMIT 20;
