# SPDX-License-Identifier: GPL-2.0-only
# SPDX-License-Identifier: GPL-2.0-only
"""azure.py DIRECTORY: writes what the lab's gateways have learned to DIRECTORY/azure, in the shape of `az network vnet-gateway
list-learned-routes`, from their BIRDs' tables. Looks twice a second, writes on a change, and every minute as a collector would."""
import json
import os
import re
import subprocess
import sys
import time

RUN = sys.argv[1]
# gateway: own address, sessions as (protocol, peer's address, origin), tables
GATEWAYS = {
    "ergw": ("10.10.30.140", ["master4"], {
        "ER1P": ("10.10.30.132", "EBgp"), "ER1S": ("10.10.30.133", "EBgp"), "ER2P": ("10.10.30.134", "EBgp"),
        "ER2S": ("10.10.30.135", "EBgp"), "VPNGW": ("10.10.30.142", "IBgp")}),
    "vpngw": ("10.10.30.254", ["master4", "shared"], {
        "CE1": ("10.2.30.125", "EBgp"), "BRANCH": ("10.11.30.126", "EBgp"), "ERGW": ("10.10.30.140", "IBgp")}),
}
NETWORKS = ("vnet", "peers")
ROUTE = re.compile(r"^(\S+/\d+)?\s+\w+ \[(\w+) ")


def routes(gateway):
    """The rows of a gateway; None while it does not answer."""
    own, tables, sessions = GATEWAYS[gateway]
    rows = []
    for table in tables:
        out = subprocess.run(["birdc", "-s", f"{RUN}/{gateway}.ctl", "show", "route", "table", table, "all"],
                             capture_output=True, text=True, timeout=10, check=False)
        if out.returncode:
            return None
        prefix = row = None
        for line in out.stdout.splitlines():
            begin = ROUTE.match(line)
            if begin:
                prefix, row = begin[1] or prefix, None
                name = begin[2]
                if name in NETWORKS and table == tables[0]:
                    rows.append({"asPath": "", "localAddress": own, "network": prefix, "nextHop": None, "origin": "Network",
                                 "sourcePeer": own, "weight": 32768})
                elif name in sessions and (table == tables[-1]):
                    peer, origin = sessions[name]
                    row = {"asPath": "", "localAddress": own, "network": prefix, "nextHop": peer, "origin": origin,
                           "sourcePeer": peer, "weight": 32768}
                    rows.append(row)
            elif row:
                key, _, value = line.strip().partition(": ")
                if key == "BGP.as_path":
                    row["asPath"] = value.replace(" ", "-")
                elif key == "BGP.next_hop":
                    row["nextHop"] = value
                elif key == "BGP.local_pref" and value == "200":
                    row["weight"] = 32769
    return rows


def main():
    told = {}
    while True:
        for gateway in GATEWAYS:
            try:
                rows = routes(gateway)
            except (OSError, subprocess.TimeoutExpired):
                rows = None
            last, at = told.get(gateway, (None, 0))
            if not rows or (rows == last and time.monotonic() - at < 60):
                continue
            path = f"{RUN}/azure/vnet-gateway-list-learned-routes.hub-{gateway}.json"
            with open(path + ".new", "w", encoding="ascii") as file:
                json.dump({"value": rows}, file, indent=2)
            os.rename(path + ".new", path)
            told[gateway] = (rows, time.monotonic())
        time.sleep(0.5)


main()
