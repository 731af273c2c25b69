"""Learned words and the plain ones that say the same, in every form: raw material for pairs that differ in simplicity.

Written for this project. Verbs are inflected by rule where they are regular; what follows a slash keeps its form
(`ascertain>find finds found finding/out`). Meaning is kept well enough for pairs of styles, not for an editor.
"""

import random
import re

_VERBS = """obtain acquire procure receive>get gets got getting; purchase>buy buys bought buying; require>need;
commence initiate launch>start; terminate conclude>end; complete finalise>finish; cease>stop stops stopped stopping;
utilize utilise employ>use; assist aid facilitate>help; demonstrate exhibit illustrate indicate>show; reside
dwell>live; inhabit>live/in; construct erect>build builds built building; create produce manufacture generate
fabricate>make makes made making; perceive observe witness>see sees saw seeing; inform notify>tell tells told telling;
state declare assert announce remark proclaim>say says said saying; examine>look/at; inspect verify>check;
investigate>look/into; attempt endeavour endeavor strive>try; seek>look/for; depart vacate>leave leaves left leaving;
arrive>come comes came coming; proceed>go goes went going; traverse>cross; select>choose chooses chose choosing;
retain preserve maintain>keep keeps kept keeping; possess>have has had having; consume>eat eats ate eating; discover
locate>find finds found finding; ascertain determine>find finds found finding/out; encounter>meet meets met meeting;
grant donate provide supply contribute bestow>give gives gave giving; transmit dispatch>send sends sent sending;
transport convey>carry; enlarge>make makes made making/bigger; expand increase>grow grows grew growing; decrease
diminish decline>drop drops dropped dropping; reduce>cut cuts cut cutting; modify alter transform>change; repair
rectify resolve>fix; conceal>hide hides hid hiding; demolish shatter>break breaks broke breaking; injure>hurt hurts
hurt hurting; perish>die dies died dying; defeat>beat beats beat beating; attain achieve>reach; accomplish execute
conduct perform>do does did doing; enquire inquire>ask; request>ask/for; respond reply>answer; converse
communicate>talk; discuss>talk/about; consider contemplate>think thinks thought thinking/about; comprehend>understand
understands understood understanding; recall recollect>remember; anticipate>expect; desire>want; appreciate
admire>like; detest despise loathe>hate; oppose combat>fight fights fought fighting; remain>stay; persist continue>go
goes went going/on; transpire>happen; emerge>come comes came coming/out; relocate migrate>move; ascend>climb;
descend>go goes went going/down; elevate>lift; extinguish>put puts put putting/out; postpone>put puts put putting/off;
tolerate>put puts put putting/up with; distribute>hand/out; reject decline>turn/down; cultivate>grow grows grew
growing; instruct educate>teach teaches taught teaching; compose>write writes wrote writing; depict portray>show;
designate>name; term>call; assemble>put puts put putting/together; gather convene>meet meets met meeting; separate
divide>split splits split splitting; collide>crash; collapse plummet>fall falls fell falling; accelerate>speed speeds
sped speeding/up; participate>take takes took taking/part; collaborate cooperate>work/together; ensure>make makes made
making/sure; assume estimate>guess; calculate>work/out; identify recognize recognise>know knows knew knowing; sustain
endure>bear bears bore bearing; attach connect>join; incorporate append>add; remove extract withdraw>take takes took
taking/out; eliminate>get gets got getting/rid of; abolish>end; discard>throw throws threw throwing/away;
abandon>leave leaves left leaving; rescue>save; liberate>free; accuse>blame; applaud>cheer; compensate remunerate>pay
pays paid paying; strike>hit hits hit hitting; reveal disclose>show; establish found>set sets set setting/up;
dismiss>fire; resign>quit quits quit quitting; escort accompany>go goes went going/with; pursue>chase; capture
apprehend>catch catches caught catching; repeat reiterate>say says said saying/again; believe opine>think thinks
thought thinking; hurl>throw throws threw throwing; reach>get gets got getting/to; comprise>have has had having;
permit allow>let lets let letting; supervise>run runs ran running; govern>rule; surround>go goes went going/around;
originate>start; resemble>look/like; exceed>pass; evaluate assess>judge; advise counsel>tell tells told telling;
experience undergo>have has had having; attend>go goes went going/to; appoint>name"""

_NOUNS = """residence dwelling>home; physician>doctor; attorney>lawyer; automobile vehicle>car; infant>baby babies;
adolescent>teen; spouse>partner; companion acquaintance>friend; assistance>help; beverage>drink; apparatus implement
instrument device>tool; component portion segment section>part; fragment>bit; quantity>amount; commencement beginning
origin>start; conclusion termination completion>end; objective aim purpose>goal; method manner approach procedure
technique>way; location site>place; region vicinity>area; territory>land; settlement municipality>town;
metropolis>city cities; nation>country countries; error>mistake; difficulty difficulties obstacle issue>problem;
incident occurrence>event; conflict dispute battle>fight; opportunity opportunities possibility possibilities
probability>chance; alternative option>choice; response solution>answer; query>question; notion concept>idea; opinion
perspective>view; occupation profession position>job; employment>work; employee>worker; employer>boss bosses;
enterprise>business businesses; corporation>company companies; funds finances>savings; income salary>pay; expense
expenditure>cost; illness disease>sickness; injury injuries>wound; remedy>cure; vegetation>plants; precipitation>rain;
individual>man men; individuals persons>people; children youngsters>kids; mother>mom; father>dad; television>tv;
refrigerator>fridge; photograph>photo; garment>shirt; consequence outcome>result; fatality>death; casualties>deaths;
novel publication>book; legislation>law; regulation>rule; agreement>deal; discussion negotiation>talk;
investigation>check; examination>test; structure>building; aircraft>plane; vessel>ship; canine>dog; feline>cat;
summit>top; boundary>border; duration>time; era epoch>time; portrait>picture; competition>game; victory>win;
champion>winner; leader commander>head; demonstration>show; increase>rise; decrease>drop; supporter>fan; academic
scholar>teacher; community>town; majority>most; capability>power; characteristic feature>trait; requirement>need;
residents inhabitants>people; participant>player; performance>show"""

_OTHERS = """numerous>many; several multiple>some; various>many; substantial considerable extensive>big;
significant>large; enormous immense vast>huge; minute>tiny; principal primary chief>main; initial>first; final
ultimate>last; previous prior>earlier; subsequent>later; contemporary>modern; ancient>very old; elderly>old;
youthful>young; recent>new; rapid swift>fast; gradual>slow; difficult challenging arduous>hard; effortless>easy;
beneficial advantageous>good; excellent superb outstanding exceptional>very good; detrimental adverse>bad; severe>very
bad; hazardous>dangerous; fatal>deadly; deceased>dead; intelligent>smart; wealthy affluent>rich; impoverished>poor;
costly>expensive; inexpensive>cheap; attractive>pretty; peculiar unusual>strange; prevalent frequent>common;
sufficient adequate>enough; insufficient>not enough; additional further>more; entire>whole; identical>the same;
distinct diverse>different; correct accurate>right; erroneous incorrect>wrong; essential necessary>needed; crucial
vital significant>important; renowned prominent celebrated>famous; notable>well known; delighted joyful>happy;
furious>angry; anxious>worried; exhausted>tired; approximately roughly>about; nearly>almost; immediately
promptly>right away; instantly>at once; subsequently>later; afterwards>then; previously formerly>before; frequently
regularly>often; occasionally>sometimes; seldom rarely>not often; currently presently>now; initially originally>at
first; eventually ultimately finally>in the end; primarily chiefly predominantly largely>mostly; generally>mostly;
particularly extremely highly exceedingly>very; considerably significantly substantially>a lot; rapidly quickly
swiftly>fast; gradually>slowly; merely solely exclusively>only; entirely completely>fully; commonly>often;
typically>usually; perhaps possibly>maybe; however nevertheless nonetheless yet>but; although>though; therefore thus
consequently hence>so; furthermore moreover additionally>also; whereas while>but; upon>on; amongst among>with;
towards>to; throughout>all over; within>in; regarding concerning>about; due to>because of; owing to>because of; prior
to>before; subsequent to>after; in order to>to; such as>like; in addition to>besides; a number of>some; as well
as>and; the majority of>most of; in the vicinity of>near; adjacent to>next to; situated in>in; located in>in; by means
of>with; in spite of>even with; despite>even with; until>till; beneath>under; above>over; beyond>past; during>in;
via>by; per>a"""

_Table = dict[str, tuple[str, ...]]


def inflected(base: str) -> list[str]:
    """A regular verb's four forms: `carry carries carried carrying`."""
    if re.search(r"[^aeiou]y$", base):
        return [base, base[:-1] + "ies", base[:-1] + "ied", base + "ing"]
    stem = base[:-1] if base.endswith("e") and not base.endswith("ee") else base
    third = base + ("es" if re.search(r"(?:s|x|z|ch|sh|o)$", base) else "s")
    return [base, third, (base if base.endswith("e") else base + "e") + "d", stem + "ing"]


def _entries(lines: str) -> list[tuple[list[str], str]]:
    pairs = (entry.split(">") for entry in lines.replace("\n", " ").split(";"))
    return [(learned.strip().split(), plain.strip()) for learned, plain in pairs]


def _verbs() -> list[tuple[str, str]]:
    found = []
    for learned, plain in _entries(_VERBS):
        forms, _, rest = plain.partition("/")
        own = forms.split() if " " in forms else inflected(forms)
        for verb in learned:
            found += [(form, f"{other} {rest}".strip()) for form, other in zip(inflected(verb), own, strict=True)]
    return found


def _nouns() -> list[tuple[str, str]]:
    found = []
    for learned, plain in _entries(_NOUNS):
        one, *many = plain.split()
        for noun in learned:
            plural = many[0] if many else one if one.endswith(("s", "people")) else one + "s"
            found.append((noun, plural if noun.endswith("s") else one))
            if not noun.endswith(("s", "y")):
                found.append((noun + "s", plural))
    return found


def _others() -> list[tuple[str, str]]:
    found = []
    for entry in _OTHERS.replace("\n", " ").split(";"):
        learned, plain = (side.strip() for side in entry.split(">"))
        is_phrase = learned.split()[-1] in {"to", "as", "of", "in"} and " " in learned
        found += [(word, plain) for word in ([learned] if is_phrase else learned.split())]
    return found


def _tables() -> tuple[_Table, _Table]:
    simpler: dict[str, list[str]] = {}
    harder: dict[str, list[str]] = {}
    for learned, plain in _verbs() + _nouns() + _others():
        simpler.setdefault(learned, []).append(plain)
        harder.setdefault(plain, []).append(learned)
    for word in _AMBIGUOUS:
        harder.pop(word, None)
    return ({k: tuple(v) for k, v in simpler.items()}, {k: tuple(v) for k, v in harder.items()})


_AMBIGUOUS = set(
    "have has had having do does did doing go goes went going to in on by with so also like a over then but most let "
    "come comes came know knew say tell tells now past before man men and of fire left kept head".split()
)
SIMPLER, HARDER = _tables()


def _pattern(table: _Table) -> re.Pattern[str]:
    longest_first = sorted(table, key=lambda word: (-len(word), word))
    return re.compile(r"\b(?:" + "|".join(map(re.escape, longest_first)) + r")\b", re.IGNORECASE)


_TO_SIMPLER, _TO_HARDER = _pattern(SIMPLER), _pattern(HARDER)


def _swapped(text: str, pattern: re.Pattern[str], table: _Table, share: float, rng: random.Random) -> str:
    def swap(match: re.Match[str]) -> str:
        found = match.group(0)
        if rng.random() > share or (found[0].isupper() and match.start() > 0 and text[match.start() - 2] not in ".!?"):
            return found
        word = rng.choice(table[found.lower()])
        return word[:1].upper() + word[1:] if found[0].isupper() else word

    return pattern.sub(swap, text)


def simplified(text: str, share: float, rng: random.Random) -> str:
    """Plain words, shorter sentences, fewer asides; each place where one could be by itself with chance `share`."""
    text = _swapped(text, _TO_SIMPLER, SIMPLER, share, rng)
    text = re.sub(r" \([^()]*\)", lambda m: "" if rng.random() < share / 2 else m.group(0), text)
    text = re.sub(r", which ", lambda m: ". It " if rng.random() < share / 2 else m.group(0), text)
    return re.sub(
        r"(?:;|, (?:and|but|while)) (i|he|she|it|they|we|the|this|that|there)\b",
        lambda m: f". {m.group(1)[:1].upper()}{m.group(1)[1:]}" if rng.random() < share else m.group(0),
        text,
        flags=re.IGNORECASE,
    )


def complicated(text: str, share: float, rng: random.Random) -> str:
    """Learned words and joined sentences."""
    text = _swapped(text, _TO_HARDER, HARDER, share, rng)
    joints = (", and ", ", while ", "; ")
    return re.sub(
        r"(?<=[a-z]{2})\. (He|She|It|They|We|The|This|That|There)\b",
        lambda m: rng.choice(joints) + m.group(1).lower() if rng.random() < share / 2 else m.group(0),
        text,
    )
