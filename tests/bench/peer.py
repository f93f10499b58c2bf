#!/usr/bin/python3
"""The same work in pandas and openpyxl.

    peer.py csv-filter IN OUT      pandas
    peer.py csv-to-xlsx IN OUT     pandas, openpyxl
    peer.py xlsx-to-csv IN OUT     pandas, openpyxl
    peer.py chain IN OUT           pandas: filter, upper case, four columns
"""
import sys


def wanted(table):
    return table[table["note"].str.contains("urgent", case=False, na=False) & (table["amount"] > 5000)]


def csv_filter(source, target):
    import pandas
    wanted(pandas.read_csv(source)).to_csv(target, index=False)


def chain(source, target):
    import pandas
    table = wanted(pandas.read_excel(source))
    table = table.assign(city=table["city"].str.upper())
    table[["id", "name", "city", "amount"]].to_excel(target, index=False)


def main():
    verb, source, target = sys.argv[1:]
    if verb == "csv-filter":
        csv_filter(source, target)
    elif verb == "chain":
        chain(source, target)
    else:
        import pandas
        if verb == "csv-to-xlsx":
            pandas.read_csv(source).to_excel(target, index=False)
        else:
            pandas.read_excel(source).to_csv(target, index=False)


main()
