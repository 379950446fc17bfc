-- Coordination number by element: atoms in the first shell of each atom (first_shell in views.sql); 0 for an isolated atom.
WITH shell AS (
    SELECT material_id, target_site AS site, count(*) AS neighbours, min(distance_angstrom) AS nearest
    FROM first_shell
    GROUP BY material_id, target_site
), atom AS (
    SELECT element, coalesce(neighbours, 0) AS neighbours, nearest
    FROM sites LEFT JOIN shell USING (material_id, site)
)
SELECT
    element,
    count(*) AS atoms,
    round(avg(neighbours), 2) AS mean_coordination,
    mode(neighbours) AS commonest,
    round(100 * avg((neighbours = 4)::INTEGER), 1) AS "4-fold %",
    round(100 * avg((neighbours = 6)::INTEGER), 1) AS "6-fold %",
    round(100 * avg((neighbours = 8)::INTEGER), 1) AS "8-fold %",
    round(100 * avg((neighbours = 12)::INTEGER), 1) AS "12-fold %",
    round(median(nearest), 3) AS "median nearest Å"
FROM atom
GROUP BY element
ORDER BY atoms DESC, element
LIMIT 20;
