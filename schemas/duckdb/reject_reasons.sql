-- Rejects: entries left out of the store by reason, with an example of each.
SELECT
    reason,
    count(*) AS entries,
    round(100 * count(*) / sum(count(*)) OVER (), 1) AS "share %",
    arg_min(coalesce(material_id, source_file || ' record ' || record), record) AS example,
    arg_min(message, record) AS message
FROM rejects
GROUP BY reason
ORDER BY entries DESC, reason;
