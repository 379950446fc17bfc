-- Bond length by element pair: distances in the first shell of each atom (first_shell in views.sql), Å.
SELECT
    least(source_element, target_element) || '–' || greatest(source_element, target_element) AS pair,
    count(*) AS bonds,
    count(DISTINCT material_id) AS crystals,
    round(min(distance_angstrom), 3) AS shortest,
    round(quantile_cont(distance_angstrom, 0.05), 3) AS "5 %",
    round(median(distance_angstrom), 3) AS median,
    round(quantile_cont(distance_angstrom, 0.95), 3) AS "95 %",
    round(max(distance_angstrom), 3) AS longest
FROM first_shell
GROUP BY pair
ORDER BY crystals DESC, bonds DESC, pair
LIMIT 20;
