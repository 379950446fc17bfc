-- Edges per direction class: the cell of the neighbour, literally and with the home cell centred on the atom.
WITH literal AS (
    SELECT direction AS class, count(*) AS edges FROM edges GROUP BY class
), centred AS (
    SELECT direction_centred AS class, count(*) AS edges FROM edges GROUP BY class
)
SELECT
    class,
    concat_ws(' ', ['-', '0', '+'][class // 9 + 1], ['-', '0', '+'][class // 3 % 3 + 1], ['-', '0', '+'][class % 3 + 1]) AS "k1 k2 k3",
    coalesce(literal.edges, 0) AS literal,
    round(100 * coalesce(literal.edges, 0) / sum(literal.edges) OVER (), 2) AS "literal %",
    coalesce(centred.edges, 0) AS centred,
    round(100 * coalesce(centred.edges, 0) / sum(centred.edges) OVER (), 2) AS "centred %"
FROM (SELECT unnest(range(27)) AS class)
LEFT JOIN literal USING (class)
LEFT JOIN centred USING (class)
ORDER BY class;
