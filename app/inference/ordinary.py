"""Words that carry a capital for another reason than being a name, and words that follow a name. English only.

Written for `facts`, which tells names by spelling alone. Everything is lower case.
"""

TITLES = frozenset("mr mrs ms miss mx dr prof professor doctor sir madam lord lady st saint no vs".split())
"""They stand before names, and their full stop ends no sentence. People drop them and spell them out."""

GRAMMAR = frozenset(
    # pronouns, determiners, question words
    "i you he she it we they me him us them my your his her its our their mine yours this that these those there here "
    "who whom whose which what when where why how whoever whatever whenever wherever however the a an some any all "
    "both each every either neither none no one other another others such same somebody someone something anybody "
    "anyone anything everybody everyone everything nobody nothing nowhere few fewer many more most much less several "
    "enough "
    # joining and placing
    "and but or nor so yet if unless until till while whilst because since although though whereas whether as than "
    "once at by for from in into of off on onto out over up down to under with within without about above across "
    "after before against along among around behind below beneath beside besides between beyond despite during except "
    "inside instead like near next outside past per plus through throughout toward towards upon via regarding "
    "concerning following including according due owing based not "
    # when, how, how sure
    "again ago almost already also always anyhow anyway apart away back else even ever far first second third last "
    "finally further furthermore hence indeed just later maybe meanwhile moreover never nevertheless nonetheless now "
    "often otherwise overall perhaps quite rather really second seldom sometimes somehow somewhat soon still then "
    "thereby therefore thus today together tomorrow tonight too very well yesterday nowadays lately "
    # doing words that begin a question, a request or a headless sentence
    "am is are was were be been being do does did done has have had having can could may might must shall should will "
    "would ought need dare let lets".split()
)
"""Words that hold a sentence together and say little by themselves."""

OPENERS = GRAMMAR | frozenset(
    # more doing words
    "add allow answer apply arrive ask attend avoid be bear believe bet book bring "
    "build buy call cancel care carry change check choose clean click close collect come complete confirm consider "
    "contact continue cook count cut decide deliver do drink drive drop eat end enjoy ensure expect explain feel fill "
    "find finish follow forget forgive forward get give go got grab guess hand hang have head hear help hold hope "
    "hurry imagine inform invite join keep know learn leave lend listen live look lose love make mean meet mention "
    "mind miss move note notice open order park pass pay phone pick place plan play post prepare print promise pull "
    "push put read reckon remember remind reply report return ring run save say see seems send set share show sit "
    "sign sleep sounds speak start stay stop suppose take talk tell text thank think throw tidy touch try turn use "
    "visit wait wake walk want wash watch wear wish wonder work worry write excuse pardon bless "
    # greetings, thanks, cries
    "hi hello hey hiya dear thanks cheers please sorry apologies congratulations congrats welcome goodbye bye yes "
    "yeah yep no nope okay ok alright right sure fine oh ah ooh aww wow ugh gosh goodness lol haha hooray well good "
    "great nice lovely happy glad best kind warm regards sincerely yours truly love hugs god heavens merry "
    # describing words and common nouns without an article
    "bad big small little long short old new young early late hot cold free full half double only own poor "
    "proud ready true wrong real sad wonderful amazing awesome excellent perfect beautiful delicious "
    "fantastic brilliant terrible two three four five six seven eight nine ten eleven twelve hundred "
    "thousand people men women children kids parents friends family guests workers students pupils teachers "
    "doctors customers mum mom mummy mommy dad daddy mother father grandma grandpa granny grandmother "
    "grandfather aunt auntie uncle sister brother son daughter boss breakfast lunch dinner supper coffee tea "
    "milk bread food water work school church home training practice traffic parking transport rain snow ice "
    "wind weather summer winter spring autumn morning noon afternoon evening night midnight time money music "
    "news information access admission entry payment delivery homework housework life death war peace health "
    "business shopping cooking nature history society everything".split()
)
"""Ordinary first words of a sentence. Kinship is here too: whether it is Mum or Mother is a matter of voice."""

NEGATIONS = frozenset(
    "no not never none nothing nobody nowhere neither nor without cannot nope nah aint arent cant couldnt didnt doesnt "
    "dont hadnt hasnt havent isnt mustnt neednt shouldnt wasnt werent wont wouldnt".split()
)
"""Without their apostrophes. A text of a few words that loses or gains one says the opposite."""

SOCIAL = {
    "greeting": frozenset("hi hello hey hiya heya yo dear dearest greetings".split()),
    "thanks": frozenset("thanks thank thx ty tysm cheers ta grateful many much".split()),
    "ending": frozenset("regards sincerely yours truly love luv xo xoxo wishes hugs best kind warm cheers".split()),
    "farewell": frozenset("bye goodbye farewell ciao cya cu c see soon later".split()),
    "assent": frozenset("yes yeah yep yup ok okay sure certainly agree agreed right alright great indeed".split()),
    "refusal": frozenset("no nope nah".split()),
    "apology": frozenset("sorry apologies sry".split()),
    "request": frozenset("please pls plz kindly".split()),
}
"""What greetings, thanks, endings and answers are made of; one of a kind may take the place of another."""

COURTESY = frozenset.union(*SOCIAL.values()) | frozenset(
    "thanking hope hoping wish wishing look looking forward hear hearing trust well welcome pleased glad happy nice "
    "good lovely meet meeting pleasure faithfully respectfully kindest".split()
)
"""What courtesy is made of, which every voice says in its own way, or not at all."""

SLIGHT = frozenset(
    "it its is are am the a an we our to for of in at on and n with all so very there oh ah lots".split()
)
"""Left out and put in without a change of meaning."""

SELVES = (frozenset("i im ive id ill my me mine".split()), frozenset("you u ur your yours youre".split()))
"""Whoever speaks, and whoever is spoken to."""

INTERJECTIONS = frozenset(
    "ok okay tv pm am lol omg lmao rofl btw fyi asap eta rsvp ps pps nb tbh imo imho idk brb afaik diy faq "
    "id xx xxx xo xoxo x o haha ha hey no yes".split()
)
"""Written in capitals though they name nobody."""

SINGULAR_VERBS = frozenset(
    "is was has does isn't wasn't hasn't doesn't says wants needs likes loves hates thinks knows hopes lives "
    "works comes goes gets takes gives makes looks keeps plays asks tells calls sends writes seems feels "
    "finds means lets brings buys pays runs sits stands starts stops stays tries uses wears wins reads eats "
    "drinks drives".split()
)
VERBS = SINGULAR_VERBS | frozenset(
    "had did will would can could may might must shall should hadn't didn't won't wouldn't can't couldn't "
    "said told came went took gave made got lost found left sent wrote brought bought broke heard saw "
    "thought knew felt kept met paid ran sat spoke spent stood taught wore won put drove forgot began sold "
    "held fell never always also just already still finally probably really".split()
)
"""What follows a name that is the subject of its sentence, besides regular past forms. No plural `are` or `have`: what
goes before those is seldom one person."""

DAYS = frozenset(("tomorrow", "yesterday"))
"""Written small, but as much a fact as a name."""

SAME = {
    "mon": "monday", "tue": "tuesday", "tues": "tuesday", "wed": "wednesday", "weds": "wednesday", "thu": "thursday",
    "thur": "thursday", "thurs": "thursday", "fri": "friday", "sat": "saturday", "sun": "sunday", "jan": "january",
    "feb": "february", "mar": "march", "apr": "april", "jun": "june", "jul": "july", "aug": "august",
    "sep": "september", "sept": "september", "oct": "october", "nov": "november", "dec": "december",
    "xmas": "christmas", "rd": "road", "ave": "avenue", "usa": "us", "tmrw": "tomorrow", "tmr": "tomorrow",
    "tmw": "tomorrow", "yday": "yesterday",
}  # fmt: skip
"""Short forms of names."""
