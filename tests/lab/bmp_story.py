#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A random story of routes and sessions for the lab of bmp.sh, told to BIRD on both far sides. After each step three things
must be the same, candidate by candidate: what the far sides announce on sessions that are up, what FRR and gobgpd print, and
what sameway has. LAB, RUN, SAMEWAY, STEPS, SEED and SLOW come by the
environment, as the lab has them, and HOOK, a command that kills and starts daemons. Writes a line a step;
exit 1, with what differs, where they come not to agree in time."""
import json
import os
import random
import subprocess
import sys
import time

LAB, RUN, SAMEWAY = os.environ["LAB"], os.environ["RUN"], os.environ["SAMEWAY"]
STEPS, SEED = int(os.environ["STEPS"]), int(os.environ["SEED"])
LIMIT = 30 * float(os.environ.get("SLOW") or 1)
SITES = {"msee": (12076, "er"), "vpngw": (65515, "vpn")}
# what the far side calls itself on its session with each daemon
NEXTHOP = {
    ("msee", "frr", 4): "192.168.30.18", ("msee", "go", 4): "192.168.30.20",
    ("vpngw", "frr", 4): "172.31.30.2", ("vpngw", "go", 4): "172.31.30.4",
    ("msee", "frr", 6): "fd00:192:168:30::2", ("msee", "go", 6): "fd00:192:168:30::4",
    ("vpngw", "frr", 6): "fd00:172:31:30::2", ("vpngw", "go", 6): "fd00:172:31:30::4",
}
POOL = {
    4: ["10.%d.%d.0/24" % (a, b) for a in (40, 41) for b in range(6)] + ["10.40.0.0/16", "10.40.3.128/25", "10.41.5.7/32"],
    6: ["fd00:40:%d::/48" % b for b in range(1, 7)] + ["fd00:40::/32", "fd00:40:3:1::/64"],
}


def run(*command, site=None):
    if site:
        command = ("nsenter", "--net=/run/netns/%s-%s" % (LAB, site)) + command
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout


def answer(*command):
    try:
        return json.loads(run(*command, site="edge"))
    except ValueError:
        return None


def gobgp(*args):
    return answer("gobgp", "-p", "50051", "-j", *args)


class Story:
    def __init__(self):
        self.random = random.Random(SEED)
        self.routes = {(s, f): {} for s in SITES for f in (4, 6)}
        self.up = dict.fromkeys(NEXTHOP, True)
        self.began = time.monotonic()

    def write(self, site, family):
        with open("%s/%s.routes%d" % (RUN, site, family), "w", encoding="ascii") as f:
            for prefix, path in sorted(self.routes[site, family].items()):
                prepends = "".join(" bgp_path.prepend(%d);" % a for a in reversed(path))
                f.write("route %s blackhole {%s };\n" % (prefix, prepends))

    def bird(self, site, *command):
        return run("birdc", "-s", "%s/%s.ctl" % (RUN, site), *command)

    # --- the three sides ---
    def told(self):
        out = set()
        for (site, daemon, family), nexthop in NEXTHOP.items():
            if self.up[site, daemon, family]:
                for prefix, path in self.routes[site, family].items():
                    out.add((daemon, prefix, SITES[site][1], nexthop, (SITES[site][0],) + path))
        return out

    def daemons(self):
        """And which of gobgpd's candidates it has chosen."""
        out, chosen = set(), set()
        path_of = {nexthop: SITES[key[0]][1] for key, nexthop in NEXTHOP.items()}
        for family in (4, 6):
            table = answer("vtysh", "--vty_socket", RUN + "/frr", "-c", "show bgp ipv%d unicast json" % family) or {}
            for prefix, routes in table.get("routes", {}).items():
                for r in routes:
                    if r["peerId"] != "(unspec)":
                        out.add(("frr", prefix, path_of[r["peerId"]], r["peerId"], tuple(map(int, r["path"].split()))))
            for r in sum((gobgp("global", "rib", "-a", "ipv%d" % family) or {}).values(), []):
                attrs = {a["type"]: a for a in r["attrs"]}
                asns = tuple(a for s in attrs[2]["as_paths"] for a in s["asns"])
                nexthop = attrs[3 if family == 4 else 14]["nexthop"]
                key = ("go", r["nlri"]["prefix"], path_of[nexthop], nexthop, asns)
                out.add(key)
                if r["best"]:
                    chosen.add(key)
        return out, chosen

    def sameway(self):
        out, chosen, stale = set(), set(), set()
        of = {nexthop: key[1] for key, nexthop in NEXTHOP.items()}
        count = 0
        for row in answer(SAMEWAY, "-i", LAB, "-j", "routes") or []:
            for c in row["candidates"]:
                if c["path"] is None:
                    continue
                key = (of.get(c["nexthop"], "?"), row["prefix"], c["path"], c["nexthop"], tuple(c["as_path"]))
                count += 1
                out.add(key)
                if c["stale"]:
                    stale.add(key)
                if c["chosen"] and key[0] == "go":
                    chosen.add(key)
        if count != len(out):
            out.add(("twice", count - len(out)))
        return out, chosen, stale

    def settle(self, what):
        end = time.monotonic() + LIMIT
        while True:
            told = self.told()
            theirs, best = self.daemons()
            ours, chosen, stale = self.sameway()
            if told == theirs == ours and best == chosen and not stale:
                print("%5.1f s %s: %d candidates" % (time.monotonic() - self.began, what, len(ours)), flush=True)
                return
            if time.monotonic() > end:
                break
            time.sleep(0.1)
        print("FAIL seed %d, %s, after %d s:" % (SEED, what, LIMIT))
        print("  announced, not with the daemons:", sorted(told - theirs), "more there:", sorted(theirs - told))
        print("  with the daemons, not with sameway:", sorted(theirs - ours), "more there:", sorted(ours - theirs, key=str))
        print("  chosen by gobgpd, not with sameway:", sorted(best - chosen), "more there:", sorted(chosen - best))
        print("  stale:", sorted(stale))
        sys.exit(1)

    def stale(self, daemon, before):
        """The daemon is gone: what it had is kept, and all of it stale."""
        end = time.monotonic() + LIMIT
        want = {k for k in before if k[0] == daemon}
        while True:
            ours, _, stale = self.sameway()
            if {k for k in ours if k[0] == daemon} == want == stale:
                return
            if time.monotonic() > end:
                print("FAIL seed %d: %s is gone: want stale %s, have %s" % (SEED, daemon, sorted(want), sorted(stale)))
                sys.exit(1)
            time.sleep(0.05)

    # --- the steps ---
    def change(self, count=None):
        site, family = self.random.choice(sorted(self.routes))
        routes = self.routes[site, family]
        for _ in range(count or self.random.randint(1, 6)):
            prefix = self.random.choice(POOL[family])
            if prefix in routes and self.random.random() < 0.5:
                del routes[prefix]
            else:
                routes[prefix] = tuple(self.random.choice((65515, 64512, 4200000001))
                                       for _ in range(self.random.randint(0, 9)))
        self.write(site, family)
        self.bird(site, "configure")
        return "routes of %s, IPv%d" % (site, family)

    def session(self):
        site, daemon, family = key = self.random.choice(sorted(self.up))
        self.up[key] = not self.up[key]
        with open("%s/%s.%s%d" % (RUN, site, daemon, family), "w", encoding="ascii") as f:
            f.write("" if self.up[key] else "disabled;\n")
        self.bird(site, "configure")
        return "session %s%d of %s %s" % (daemon, family, site, "up" if self.up[key] else "down")

    def link(self):
        """Both ends of a link see it; the sessions come back by themselves."""
        site = self.random.choice(sorted(SITES))
        held = {k: v for k, v in self.up.items() if k[0] == site}
        run("ip", "link", "set", "ce0", "down", site=site)
        self.up.update(dict.fromkeys(held, False))
        self.settle("  link of %s down" % site)
        run("ip", "link", "set", "ce0", "up", site=site)
        self.up.update(held)
        return "link of %s up" % site

    def hook(self, verb, daemon):
        subprocess.run([os.environ["HOOK"], "hook", verb, daemon], check=True, timeout=60)

    def daemon(self):
        """Killed; its peers change meanwhile."""
        daemon = self.random.choice(("frr", "go"))
        before = self.told()
        self.hook("kill", daemon)
        self.stale(daemon, before)
        for _ in range(2):
            self.change(8)
        self.hook("start", daemon)
        return "%s killed and back" % daemon

    def ourselves(self):
        self.hook("kill", "sameway")
        self.change()
        self.hook("start", "sameway")
        return "sameway killed and back"

    def tell(self):
        steps = [self.change] * 8 + [self.session] * 5 + [self.daemon] * 2 + [self.link, self.ourselves]
        # each kind is in it, however short it is
        order = [self.daemon, self.session, self.link, self.ourselves, self.session]
        order += self.random.choices(steps, k=max(0, STEPS - len(order)))
        self.random.shuffle(order)
        for _ in range(3):
            self.change(6)
        self.settle("at first")
        for i, step in enumerate(order[:STEPS]):
            what = step()
            self.settle("step %d: %s" % (i + 1, what))


Story().tell()
