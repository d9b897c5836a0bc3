#!/usr/bin/env python3
"""Makes zip3.csv: the three-digit ZIP areas in which more than 20,000 people live.

Input: the 2010 ZCTA to County Relationship File of the U.S. Census Bureau (2010 Census, Summary File 1),
    https://www2.census.gov/geo/docs/maps-data/data/rel/zcta_county_rel_10.txt
Use: python3 zip3.py zcta_county_rel_10.txt > zip3.csv

Of each five-digit ZCTA the column ZPOP is its population in 2010; a ZCTA in several counties has several
lines with the same ZPOP. The ZCTAs of three first digits together are an area (45 CFR 164.514(b)(2)(i)(B)).
"""

import csv
import hashlib
import sys
from collections import defaultdict

LEAST = 20_000

HEADER = """\
# Three-digit ZIP areas with more than 20,000 people, and their population; any other is shown as 000.
# Source: U.S. Census Bureau, 2010 ZCTA to County Relationship File (2010 Census, Summary File 1), column ZPOP,
# https://www2.census.gov/geo/docs/maps-data/data/rel/zcta_county_rel_10.txt
# by way of the copy of it in the R package wunderscraper (github.com/cmarmstrong/wunderscraper, 6bb58701, 2019-07-15).
# Census day 2010-04-01; {people} people in {zctas} ZCTAs.
# SHA-256 of the sorted lines "ZCTA5,ZPOP", each once: {digest}
# Made by zip3.py beside this file: {shown} of {areas} areas. Not shown: {hidden}."""


def main() -> None:
    """Prints the list."""
    population = {}
    with open(sys.argv[1], encoding="ascii", newline="") as file:
        for line in csv.DictReader(file):
            population[line["ZCTA5"]] = int(line["ZPOP"])
    lines = "".join(f"{zcta},{people}\n" for zcta, people in sorted(population.items()))
    areas = defaultdict(int)
    for zcta, people in population.items():
        areas[zcta[:3]] += people
    shown = {area: people for area, people in sorted(areas.items()) if people > LEAST}
    print(
        HEADER.format(
            digest=hashlib.sha256(lines.encode()).hexdigest(),
            people=sum(population.values()),
            zctas=len(population),
            shown=len(shown),
            areas=len(areas),
            hidden=" ".join(sorted(set(areas) - set(shown))),
        )
    )
    for area, people in shown.items():
        print(f"{area},{people}")


main()
