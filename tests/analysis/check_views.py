"""Checks the views of schemas/duckdb/views.sql on feature stores: exit status 1 if one is wrong.

    python tests/analysis/check_views.py data/sample

Every edge is measured anew from the Cartesian positions of the view `sites`; the views' rows are
counted against the lists of the shards. Every view and column has a comment; those of properties and splits are by
the program that ETL names in the environment, or `etl`.
"""

import os
import subprocess
import sys
from pathlib import Path

import duckdb

VIEWS = Path(__file__).resolve().parents[2] / "schemas" / "duckdb" / "views.sql"
# Distances are stored in single precision: half a unit in the last place at 8 Å, rounded up.
TOLERANCE_ANGSTROM = 5e-7

CHECKS = {
    "a comment on each view and column": """
        SELECT bool_and(comment IS NOT NULL AND comment <> '') FROM (
            SELECT comment FROM duckdb_views() WHERE NOT internal
            UNION ALL
            SELECT comment FROM duckdb_columns() WHERE NOT internal
        )
    """,
    "a row of sites for each atom": """
        SELECT (SELECT count(*) FROM sites) = (SELECT coalesce(sum(nsites), 0) FROM crystals)
    """,
    "a row of edges for each edge": """
        SELECT (SELECT count(*) FROM edges) = (SELECT coalesce(sum(len(edge_target)), 0) FROM crystals)
    """,
    "edges join the atoms that they name, at their distance": f"""
        SELECT count(*) = (SELECT count(*) FROM edges) AND coalesce(bool_and(
            i.element = target_element AND j.element = source_element AND abs(distance_angstrom - sqrt(
                (j.x_angstrom + k1 * l[1] + k2 * l[4] + k3 * l[7] - i.x_angstrom) ** 2
              + (j.y_angstrom + k1 * l[2] + k2 * l[5] + k3 * l[8] - i.y_angstrom) ** 2
              + (j.z_angstrom + k1 * l[3] + k2 * l[6] + k3 * l[9] - i.z_angstrom) ** 2)) < {TOLERANCE_ANGSTROM}
        ), true)
        FROM edges AS e
        JOIN sites AS i ON i.material_id = e.material_id AND i.site = e.target_site
        JOIN sites AS j ON j.material_id = e.material_id AND j.site = e.source_site
        JOIN (SELECT material_id, lattice_vectors AS l FROM crystals) AS c ON c.material_id = e.material_id
    """,
    "elements are those of the crystal": """
        SELECT coalesce(bool_and(found = elements), true)
        FROM crystals JOIN (
            SELECT material_id, list_sort(list(DISTINCT element)) AS found FROM sites GROUP BY material_id
        ) USING (material_id)
    """,
    "a first shell around each atom with a neighbour, no farther than 1.15 times the nearest": """
        SELECT count(*) = (SELECT count(DISTINCT (material_id, target_site)) FROM edges)
            AND coalesce(bool_and(farthest <= 1.15 * nearest), true)
        FROM (
            SELECT min(distance_angstrom) AS nearest, max(distance_angstrom) AS farthest
            FROM first_shell GROUP BY material_id, target_site
        )
    """,
}


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    failures = 0
    for store in sys.argv[1:]:
        connection = duckdb.connect()
        connection.execute("SET VARIABLE store = ?", [store])
        connection.execute(VIEWS.read_text(encoding="utf-8"))
        command = [os.environ.get("ETL", "etl"), "columns", store, "--sql"]
        connection.execute(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)
        for name, query in CHECKS.items():
            (holds,) = connection.execute(query).fetchone()
            failures += not holds
            print(f"{store}: {name}: {'ok' if holds else 'WRONG'}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
