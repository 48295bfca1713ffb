"""Small worlds of one question each: what should be done with the rule, by the truth that the scene knows.

Each scene names the verdicts that its truth allows. Whatever the logs do not show may be answered by "cannot tell", never
by a verdict of another truth: closing a rule that somebody needs is what must not happen.
"""
import world
from world import DAY_MS, IDLE, MX, START_MS, SUBSCRIPTION, World

CANNOT_TELL = {"INSUFFICIENT_EVIDENCE"}
CLOSE = {"CLOSE_UNUSED", "CLOSE_PROBES_ONLY"}
RESTRICT = {"RESTRICT_WITH_REVIEW", "RESTRICT_TO_RELAYS"}
SUBNET = SUBSCRIPTION + "/resourceGroups/rg-eval/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
MAIL_NIC, SECOND_NIC = world.nic_of(MX), "000D3A0000F2"


def nic(name, mac, nsg):
    return {"id": SUBSCRIPTION + "/resourceGroups/rg-eval/providers/Microsoft.Network/networkInterfaces/" + name,
            "name": name, "macAddress": mac, "type": "Microsoft.Network/networkInterfaces",
            "networkSecurityGroup": {"id": world.nsg_id(nsg)},
            "ipConfigurations": [{"name": "a", "privateIPAddress": "10.0.0.4", "publicIPAddress": None,
                                  "subnet": {"id": SUBNET}}]}


class Scene(World):
    """Scanners that are refused on other ports, and nothing else, unless the scene says so."""
    allowed = CLOSE
    hours_per_blob = 24         # fewer files; what is in them decides

    def fill(self):
        for _ in range(25):
            self.noise()
        self.people()

    def noise(self):
        source = self.address("scanner")
        for day in self.rng.sample(range(self.days), 3):
            for _ in range(2):
                self.other(self.at(day), source, MX, self.rng.choice([22, 23, 3389, 445, 8080]), True)

    def people(self):
        pass

    def senders(self, n=3, days=None, **more):
        for _ in range(n):
            source = self.address("recurring")
            for day in days if days is not None else range(0, self.days, 2):
                self.smtp(self.at(day, self.rng.randint(7, 18)), source, self.rng.choice(world.MAILS), **more)

    def rules_files(self):
        """More files for --rules, by name."""
        return {}


class Unused(Scene):
    """Nobody comes."""
    allowed = {"CLOSE_UNUSED"}


class Probed(Scene):
    """Scanners, guessers and the probes of the load balancer."""
    allowed = {"CLOSE_PROBES_ONLY"}

    def people(self):
        for _ in range(20):
            self.wide_scanner()
        for _ in range(5):
            self.mail_scanner()
        for _ in range(4):
            self.loud_guesser()
        self.health_probe()

    def loud_guesser(self):
        source = self.address("guesser")
        for day in self.rng.sample(range(self.days), 4):
            for _ in range(5):
                self.smtp(self.at(day), source, "guess")
            self.other(self.at(day), source, MX, 22, True)


class Relays(Scene):
    """Mail of one listed provider, and nothing else."""
    allowed = RESTRICT

    def people(self):
        for day in range(self.days):
            for _ in range(4):
                source = "198.18.1.%d" % self.rng.randint(1, 20)
                self.truth[source] = "listed"
                self.smtp(self.at(day), source, self.rng.choice(world.MAILS))


class Company(Scene):
    """Senders of all habits among scanners."""
    allowed = RESTRICT

    def fill(self):
        World.fill(self)


class PublicMx(Scene):
    """Mail of everybody."""
    allowed = {"PUBLIC_MX"}

    def people(self):
        for _ in range(160):
            source = self.address("recurring")
            for day in self.rng.sample(range(self.days), 12):
                self.smtp(self.at(day), source, self.rng.choice(world.MAILS))


class Masked(Scene):
    """A firewall in front shows its own address only."""
    allowed = {"SOURCE_MASKED"}

    def people(self):
        for day in range(self.days):
            for shape in ("mail", "banner", "guess"):
                self.smtp(self.at(day), "10.0.9.4", shape)


class FloatingIp(Scene):
    """Senders reach the front-end address of the load balancer."""
    allowed = RESTRICT

    def people(self):
        self.senders()

    def logged(self, session, nic_, nsg, rule, text):
        return nic_, nsg, rule, text.replace("," + MX + ",", ",51.10.7.7,") if session.target_port == 25 else text


class NotAttached(Scene):
    """The NSG stands nowhere."""
    allowed = {"NOT_EFFECTIVE"}

    def definitions(self):
        nsgs = World.definitions(self)
        nsgs[0]["networkInterfaces"] = []
        return nsgs

    def logged(self, session, nic_, nsg, rule, text):
        return None

    def nics(self):
        return {world.nic_of(IDLE[0]): "web"}


class Unlogged(Scene):
    """Senders, and no flow log of the NSG."""
    allowed = set()

    def people(self):
        self.senders()

    def logged(self, session, nic_, nsg, rule, text):
        return None if nsg == "mail" else (nic_, nsg, rule, text)

    def nics(self):
        return {world.nic_of(IDLE[0]): "web"}

    def fill(self):
        Scene.fill(self)
        for day in range(self.days):
            self.other(self.at(day), self.address("scanner"), IDLE[0], 22, True)


class Outage(Scene):
    """A sender comes in the 16 days in which the log was off."""
    allowed = RESTRICT

    def people(self):
        self.senders(days=range(7, 21, 2))

    def holes(self):
        return {(day, hour) for day in range(6, 22) for hour in range(24)}


class SecondInterface(Scene):
    """The mail server's interface is in no log, another one of the NSG is."""
    allowed = RESTRICT

    def people(self):
        self.senders()

    def logged(self, session, nic_, nsg, rule, text):
        return None if session.target_port == 25 else (nic_, nsg, rule, text)

    def rules_files(self):
        return {"nics.json": [nic("a", MAIL_NIC, "mail"), nic("b", SECOND_NIC, "mail")]}


class TwoGroups(Scene):
    """Subnet and interface have an NSG each; the other one logs what is let in."""
    allowed = RESTRICT

    def people(self):
        self.senders()

    def definitions(self):
        nsgs = World.definitions(self)
        nsgs[0].update(networkInterfaces=[], subnets=[{"id": SUBNET}])
        return nsgs

    def logged(self, session, nic_, nsg, rule, text):
        is_mail = session.target_port == 25 and not session.denied
        return nic_, "inner" if is_mail else nsg, rule, text


class TwoGroupsOneLogged(TwoGroups):
    """The same, and no log of the other one was given."""

    def definitions(self):
        nsgs = TwoGroups.definitions(self)
        nsgs.append(dict(nsgs[0], id=world.nsg_id("inner"), name="nsg-inner", subnets=[]))
        return nsgs

    def logged(self, session, nic_, nsg, rule, text):
        is_mail = session.target_port == 25 and not session.denied
        return None if is_mail else (nic_, nsg, rule, text)

    def rules_files(self):
        return {"nics.json": [nic("a", MAIL_NIC, "inner")]}


class Renamed(Scene):
    """The rule took the place of another one a few days ago; some senders came only before."""
    allowed = RESTRICT
    day = 24

    def people(self):
        self.senders()
        self.senders(n=2, days=range(0, self.day, 3))

    def logged(self, session, nic_, nsg, rule, text):
        is_before = session.stamp < START_MS + self.day * DAY_MS
        return nic_, nsg, "UserRule_smtp-old" if is_before and rule == "UserRule_allow-smtp" else rule, text


class RenamedAndQuiet(Renamed):
    """The same, and since then nobody came."""

    def people(self):
        self.senders(days=range(0, self.day, 3))


class Opened(Scene):
    """Everybody was refused until a week ago; then the rule was made, and a sender came."""
    allowed = RESTRICT

    def people(self):
        for _ in range(12):
            source = self.address("scanner")
            for day in self.rng.sample(range(20), 3):
                self.smtp(self.at(day), source, "syn", rule="DenyAllInBound", denied=True)
        self.senders(days=range(22, 28))


class OpenedLater(Opened):
    """The rule was made after the last log: what it will let in, nobody knows."""
    allowed = set()

    def people(self):
        for _ in range(20):
            source = self.address("scanner")
            for day in self.rng.sample(range(self.days), 3):
                self.smtp(self.at(day), source, "syn", rule="DenyAllInBound", denied=True)


class Filtered(Scene):
    """Plenty of traffic, senders among it, and a flow log filtered to leave out port 25."""
    allowed = RESTRICT

    def people(self):
        self.senders()
        for number in range(1800):
            source = self.address("people")
            for _ in range(2):
                self.other(self.at(self.rng.randrange(self.days)), source, MX, 443, number % 3 > 0)

    def is_left_out(self, session):
        return session.target_port == 25

    def logged(self, session, nic_, nsg, rule, text):
        return None if self.is_left_out(session) else (nic_, nsg, rule, text)


class FilteredByAction(Filtered):
    """The same, with what is refused alone."""

    def is_left_out(self, session):
        return not session.denied


class FilteredByState(Filtered):
    """The same, without begins."""

    def logged(self, session, nic_, nsg, rule, text):
        return None if ",I,B,NX," in text else (nic_, nsg, rule, text)


class SpamBlocked(Scene):
    """A machine behind the rule tries to send spam, which never gets out."""
    allowed = {"INVESTIGATE_ABUSE"}

    def people(self):
        self.senders()
        for day in range(3, 6):
            for _ in range(60):
                self.send(self.at(day), "%d.%d.%d.25" % (self.rng.randint(60, 95), self.rng.randint(0, 255),
                                                         self.rng.randint(0, 255)), "syn")


class OpenRelay(Scene):
    """Somebody sends, and then the server does, to everybody."""
    allowed = {"INVESTIGATE_ABUSE"}

    def people(self):
        self.senders()
        self.open_relay()


class TwoWay(Scene):
    """A server that receives and sends."""
    allowed = RESTRICT

    def people(self):
        self.senders()
        self.two_way_server()


ALL = [Unused, Probed, Relays, Company, PublicMx, Masked, FloatingIp, NotAttached, Unlogged, Outage, SecondInterface,
       TwoGroups, TwoGroupsOneLogged, Renamed, RenamedAndQuiet, Opened, OpenedLater, Filtered, FilteredByAction,
       FilteredByState, SpamBlocked, OpenRelay, TwoWay]
VNET_ONLY = {Filtered, FilteredByAction, FilteredByState}   # only these logs can be filtered
NSG_ONLY = {TwoGroupsOneLogged}                             # a log of the network shows both
NEED_COUNTERS = {OpenRelay, PublicMx, SpamBlocked}


def layouts_of(scene):
    layouts = world.LAYOUTS
    if scene in VNET_ONLY:
        layouts = ["vnet4"]
    if scene in NSG_ONLY:
        layouts = [name for name in layouts if name != "vnet4"]
    return layouts


def judge(scene, layout, verdict):
    """"right", "cannot tell" or "wrong"."""
    if verdict in scene.allowed:
        return "right"
    has_counters = layout in ("nsg2t", "vnet4")
    if verdict in CANNOT_TELL or (not has_counters and scene in NEED_COUNTERS and verdict in RESTRICT):
        return "cannot tell"
    # Where nobody needs the rule, asking is no harm; where mail is told by its size, without counters neither.
    if verdict == "RESTRICT_WITH_REVIEW" and scene.allowed & CLOSE:
        return "cannot tell"
    return "wrong"
