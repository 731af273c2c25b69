"""What people say about a rewrite, put together from parts: training messages for the satisfaction scorer.

Corpora of comments and tweets hold moods, not remarks on a text: nobody there writes "less sugar, please" or "I would
never say thrilled". What decides such a remark is its construction (too X, not X any more, finally X, X but Y), so each
construction is written once and filled with every quality, part and person. All parts are written for this project.
"""

import random
import re

PLEASED, NEITHER, DISPLEASED = "satisfied", "neither", "dissatisfied"

_SLOTS = {
    "flaw": (
        "stiff|formal|long|wordy|cold|robotic|corporate|cheesy|pushy|dry|flat|bland|pompous|chatty|casual|sloppy|"
        "childish|sugary|clunky|stilted|vague|generic|boring|aggressive|apologetic|flowery|blunt|choppy|rambling|"
        "fake|salesy|dramatic|posh|old-fashioned|bureaucratic|harsh|distant|excited|heavy|tame|cute|slangy|wooden|"
        "awkward|convoluted|repetitive|preachy|needy|arrogant|lifeless|polished|cheerful|serious|soft|loud|"
        "mechanical|gushing|hurried|sour"
    ),
    "merit": (
        "natural|warm|crisp|clear|funny|short|honest|friendly|relaxed|punchy|charming|lively|tidy|smooth|direct|"
        "human|sharp|light|polite|elegant|confident|genuine|readable|simple|personal|witty|kind|calm|cheeky|"
        "concise|fresh|believable|precise|playful|sincere|gentle|like me"
    ),
    "more": (
        "shorter|warmer|friendlier|clearer|simpler|more natural|more direct|more personal|livelier|lighter|tighter|"
        "funnier|more honest|kinder|calmer|crisper|less formal|less stiff|less wordy|less robotic|less sugary|"
        "less pushy|more like me"
    ),
    "part": (
        "opening|ending|greeting|first line|last line|first sentence|last sentence|tone|middle part|"
        "second paragraph|sign-off|closing|joke|subject line|choice of words|rhythm|punctuation|length|wording|"
        "start|finish|title|postscript"
    ),
    "praise": (
        "perfect|great|lovely|spot on|excellent|wonderful|exactly right|brilliant|fantastic|just right|really good|"
        "very good|beautiful|ideal|superb|good|nice|fine by me|a delight|pure gold"
    ),
    "scorn": (
        "awful|terrible|horrible|wrong|off|weird|a mess|bad|poor|painful|dreadful|ridiculous|annoying|useless|ugly|"
        "a disaster|unbearable|embarrassing|disappointing|nonsense|laughable|rubbish"
    ),
    "thing": (
        "it|this|this one|that|the new one|this version|the rewrite|the text|your version|the draft|the message"
    ),
    "word": (
        "thrilled|utilise|delighted|henceforth|awesome|kindly|folks|buddy|splendid|regards|whilst|super|gonna|"
        "leverage|dear|moreover|lol|cheers|hereby|amazing|stoked|apologies|literally|darling|reach out|sincerely|"
        "yo|indeed|mate|furthermore"
    ),
    "mark": (
        "exclamation marks|smileys|emojis|semicolons|dashes|capitals|adverbs|big words|brackets|hashtags|rhymes|"
        "compliments|apologies|jokes|abbreviations|full stops|metaphors|buzzwords|swear words|question marks"
    ),
    "fact": (
        "the date|the price|her name|the address|the time|my thanks|the reason|the number|the place|my question|"
        "the deadline|the second point|the name of the street|half the story|the invoice number|what I asked for|"
        "my son's name|the joke"
    ),
    "who": (
        "my boss|my sister|my mother|a lawyer|a robot|a bank|a teenager|my grandfather|a salesman|a politician|"
        "a brochure|a call centre|my dentist|an advert|a fortune cookie|a judge|a toaster|a newsreader|"
        "a tax office|my ex|a poet|a priest"
    ),
    "friend": (
        "my boss|my sister|my mother|my wife|my husband|my best friend|my brother|the client|my landlord|my team|"
        "my aunt|my colleague|my teacher|my neighbour|the committee|my daughter|my editor|my flatmate"
    ),
    "doc": (
        "letter|mail|e-mail|text|message|post|invitation|complaint|thank-you note|speech|card|report|reply|"
        "cover letter|tweet|announcement|blog post|apology"
    ),
    "gush": (
        "great|wonderful|lovely|brilliant|fantastic|congratulations|bravo|perfect|super|nice|marvellous|charming|"
        "oh joy|oh good|how nice|just great|well done|thanks a lot|impressive|excellent|splendid|amazing|"
        "oh great|oh wonderful|thank you|wow|nice work|good job|beautiful|awesome|terrific"
    ),
    "mishap": (
        "{mark} in a condolence letter|{mark} for a funeral|{mark} to a judge|now I'm {who}|{fact} is gone|"
        "{fact} is wrong again|you turned my apology into a sermon|it's longer than the original|"
        "now {friend} hates me|my one joke is dead|I sound drunk|nobody will get past line one|"
        "you invented a cat|you wished a widow a great day|I have become {who}|"
        "it only took five tries to make it worse|a poem when I wanted a {doc}|a {doc} that says nothing|"
        "now it's twice as long|only the meaning is missing|you called {friend} 'mate'|you made {friend} cry|"
        "three lines of {mark}|another '{word}'|'{word}' again|my favourite: '{word}'|"
        "the one fact that mattered is missing|it rhymes now|it's in capitals now|not one word of mine is left|"
        "that's the opposite of what I said|I only had to fix all of it|as {flaw} as a tax form|"
        "as warm as a fridge|a {doc} by {who}"
    ),
    "boon": (
        "{friend} replied in a minute|that reads like me|my joke survived|{fact} is still there|"
        "you dropped the {mark}|it sounds like a {doc} of mine|not one of the {mark}|exactly my tone|"
        "half as long and twice as clear|{friend} will love it|{friend} loved it|you kept my '{word}'|"
        "I can send it as it is|that's just how I'd say it|not {flaw} at all|even {friend} laughed|"
        "the {part} made my day|nothing to fix|it finally sounds {merit}|such a {merit} {part}|"
        "no {mark} and no '{word}'|you understood me|it's mine, every word|just as {merit} as I wanted|"
        "{more} and still me"
    ),
    "very": "very|so|really|quite|rather|pretty|awfully|a bit|a little|a tad|somewhat|kind of|terribly",
    "day": "Monday|Tuesday|tomorrow|tonight|next week|Friday|the weekend|in May|at noon|this afternoon",
    "language": "French|German|Spanish|Italian|Polish|Dutch|Turkish|Portuguese|Swedish|Welsh",
}  # fmt: skip

_TEMPLATES = {
    PLEASED: (
        "{thing} is {praise}|{praise}!|{praise}, thank you|the {part} is {praise}|"
        "the {part} and the {part} are {praise}|love the {part}|I love the {part}|i really like the {part}|"
        "I like how {merit} {thing} is|so {merit}!|how {merit}!|finally something {merit}|"
        "{merit} and {merit}, thanks|not {flaw} at all|not {flaw} any more|not too {flaw}, good|"
        "it isn't {flaw} any more, thank you|you got rid of the {mark}, great|no {mark} this time, thank you|"
        "no more {mark}, finally|glad the {mark} are gone|much {more} now|{more} than before, nice|"
        "so much {more}, great|less {flaw} than before, good|I was afraid it would be {flaw} but it's {merit}|"
        "I expected something {flaw}, and it's {praise}|{merit} without being {flaw}|"
        "{merit}, but not {flaw}. {praise}|a bit {flaw} but I love it|{flaw}? no, {praise}|"
        "it was {flaw} before, now it's {praise}|the first try was {flaw}, this one is {praise}|"
        "yesterday {scorn}, today {praise}|{friend} loved it|{friend} thought I wrote it myself|"
        "{friend} couldn't tell the difference|{friend} said it was {praise}|"
        "{friend} answered right away, thank you|{friend} would believe it's mine|sent it to {friend} as it is|"
        "this {doc} sounds exactly like me|that's how I would write a {doc}|I'd have said '{word}' too|"
        "yes, I do say '{word}', well spotted|you even kept my '{word}', ha|nothing is lost, not even {fact}|"
        "good that {fact} is still there|thanks for keeping {fact} and my {part}|"
        "didn't think the {doc} could be that {merit}|I can't find anything {flaw} in it|"
        "there's nothing {flaw} about it|never {flaw}, always {merit}|couldn't be more {merit}|"
        "I wouldn't change the {part}|don't change the {part}, it's {praise}|leave the {part} as it is|"
        "keep the {part}|more {doc}s like this please|please write every {doc} like that|"
        "all my {doc}s should sound like this|best {doc} I've sent in years|wow, the {part}|"
        "I could kiss you for the {part}|no complaints about the {part}|no longer sounds like {who}|"
        "doesn't sound like {who} any more, thanks|sounds like me and not like {who}, finally|"
        "that {doc} is me, word for word|a {doc} I can sign|ready to send to {friend}|it's already with {friend}|"
        "the {part} could not be better|even {friend} would approve|not bad, the {part} even made me smile|"
        "hate to admit it but the {part} is {praise}|I usually hate {mark}, here they work|"
        "ok, that's {very} good|{very} good {part}|one tiny thing about the {part}, otherwise {praise}|"
        "only the {part} needs a comma, the rest is {praise}|{gush}, {boon}|{gush}! {boon}|{gush}. {boon}|"
        "{boon}, {gush}|{gush}, {boon} and {boon}|{boon}|{boon}!|it's {flaw}, but that's me|"
        "it's {flaw}, and I love it|{flaw}, as I wanted it|as {flaw} as I am, {praise}|"
        "it used to be {flaw}, not any more|used to be {flaw}, now it's {praise}|doesn't sound {flaw} for once|"
        "it does not sound {flaw} at all|doesn't feel {flaw} to me|not a trace of {mark}|"
        "without all the {mark}, good|couldn't be {more}|can't fault the {part}|hard to fault the {part}|"
        "no trace of {who}|did I write that {part}? It feels like it|are you sure I didn't write this {doc}?|"
        "have you read my {doc}s? It's uncanny|I couldn't have written a better {part}|"
        "nobody would guess this {doc} isn't mine|{friend} never noticed|{friend} cried, in a good way|"
        "got an answer from {friend} already, it worked|I was worried about the {part}, no need|"
        "thought it would be {scorn}, it's {praise}|thanks for remembering I don't like {mark}|"
        "thanks for not using '{word}'|at last someone who knows I don't use {mark}|"
        "I don't use {mark} and you noticed, {praise}|if only all my {doc}s were like this|"
        "I wish I'd written every {doc} like that|I should write like that more often|"
        "why wasn't it always like this?|how is it this {merit}?|who knew a {doc} could be {merit}|"
        "I looked for {mark} and found none, {praise}|{friend} asked who writes my {doc}s now|"
        "it has my {part}, my {part}, everything|that's my {part} all right|my {part} to the letter"
    ),
    DISPLEASED: (
        "too {flaw}|{very} {flaw}|that's {very} {flaw}|{thing} is {very} {flaw}|still too {flaw}|way too {flaw}|"
        "much too {flaw}|as {flaw} as ever|{flaw} and {flaw}|not {merit} enough|not {merit}|it isn't {merit}|"
        "not very {merit}, is it|the {part} is {scorn}|{thing} is {scorn}|{scorn}|the {part} is {very} {flaw}|"
        "the {part} doesn't work|the {part} again|hm, the {part} is {flaw}|I don't like the {part}|"
        "i hate the {part}|the {part} isn't me|that {part} could be anyone's|{more} please|could be {more}|"
        "it should be {more}|can you make it {more}?|try again, but {more}|make the {part} {more}|"
        "I wanted it {merit}, not {flaw}|I was hoping for {merit} and got {flaw}|"
        "I asked for {merit}. This is {flaw}|{merit}? more like {flaw}|{praise}, if only it weren't so {flaw}|"
        "{merit}, but the {part} is {scorn}|nice {part}, {scorn} {part}|good start but {very} {flaw}|"
        "the {part} is {praise} but the rest is {scorn}|why so {flaw}?|why is the {part} so {flaw}?|"
        "since when am I so {flaw}?|since when do I use {mark}?|I never use {mark}|I don't do {mark}|"
        "what's with all the {mark}?|so many {mark}|too many {mark}|drop the {mark}|fewer {mark} please|"
        "no {mark} please|stop with the {mark}|again those {mark}|I'm not a fan of the {mark}|"
        "how often must I say it: no {mark}|I would never say '{word}'|I never say '{word}'|who says '{word}'?|"
        "nobody says '{word}'|'{word}'? really?|'{word}'? me?|I don't think I have ever said '{word}'|"
        "delete '{word}'|not '{word}', please|anything but '{word}'|{friend} would laugh at '{word}'|"
        "you used '{word}' again|where is {fact}?|where did {fact} go?|you forgot {fact}|you lost {fact}|"
        "{fact} is missing|{fact} is wrong|you changed {fact}|great, you lost {fact}|"
        "oh wonderful, {fact} is gone|thanks for dropping {fact}|lovely, and {fact}?|sounds like {who}|"
        "I sound like {who}|reads like {who} wrote it|you made me sound like {who}|am I {who} now?|"
        "great, now I'm {who}|wonderful, I've become {who}|thanks, I always wanted to sound like {who}|"
        "brilliant, if you are {who}|perfect for {who}, not for me|I'm not {who}|did {who} write this?|"
        "{friend} would think I'm {who}|very {merit}. For {who}|{friend} would never believe I wrote this|"
        "{friend} asked what was wrong with me|{friend} laughed, and not kindly|{friend} was offended|"
        "{friend} thought it was spam|I can't send that to {friend}|I can't give this {doc} to {friend}|"
        "no {doc} of mine was ever this {flaw}|I wouldn't send a {doc} like that|that's not how I write a {doc}|"
        "I had to rewrite the {part}|I wrote the {doc} myself in the end|I fixed the {part} by hand|"
        "had to change the {part} again|the old {part} was better|my own {part} was better|bring back my {part}|"
        "I miss my {part}|what happened to my {part}?|the {part} got worse|"
        "not an improvement, the {part} is still {flaw}|it's fine but {flaw}|it's okay but {very} {flaw}|"
        "not bad, but {very} {flaw}|{praise}? no. {scorn}|don't tell me that's {merit}|I can't call that {merit}|"
        "it doesn't sound {merit}|it doesn't feel {merit} to me|nothing {merit} about it|hardly {merit}|"
        "far from {merit}|anything but {merit}|I wish it were {more}|if only it were {more}|"
        "would it kill you to be {more}?|a {more} version, please|less {flaw}, please|"
        "it was {praise} until the {part}|I liked it up to the {part}|the {part} ruins it|almost, but the {part}|"
        "{flaw}. Again|{very} {flaw} for a {doc}|this {doc} is {scorn}|what a {flaw} {doc}|"
        "a {doc} shouldn't be this {flaw}|please, not so {flaw}|{gush}, {mishap}|{gush}. {mishap}|"
        "{gush}! {mishap}|oh {gush}, {mishap}|{mishap}, {gush}|{mishap}. {gush}|{gush}, {mishap} and {mishap}|"
        "{mishap}|it's {praise}, but it isn't mine|it's {praise}, but I'd never send it|"
        "{praise}, just not for me|{praise} for somebody else|it's {praise} if you like {who}|"
        "it would be {praise} if I were {who}|{praise} {part}, shame about the rest|it used to be {praise}|"
        "it used to be {merit}|you used to be better at the {part}|the {part} was {praise} last week|"
        "I was happy until I saw the {part}|{friend} asked if I was all right after reading the {part}|"
        "{friend} asked who wrote that|{friend} asked whether I'd been hacked|"
        "I had to apologise to {friend} for the {part}|{friend} cried, and not for joy|"
        "thank you for making me look like {who}|thank you, now {friend} thinks I'm {who}|"
        "thanks, I sound like {who}|nobody I know would call a {doc} {merit} for that|half of {fact} is invented|"
        "you made up {fact}|there was no '{word}' in my {doc}|I wrote one line, this is a {flaw} {doc}|"
        "could be anybody's {part}|the {part} is nobody's|how is that {merit}?|how is that a {part}?|"
        "do I look like {who}?|what have I done to deserve this {part}?|if that's {merit}, I'm {who}|"
        "call that {merit}? I call it {flaw}|as {merit} as {who}|as {merit} as a brick|so {merit}, I fell asleep|"
        "{very} {merit} for {who}|I like it. Said nobody about that {part}|even {who} would sound more {merit}|"
        "another {doc}, another '{word}'|why on earth '{word}'?|why would I tell {friend} '{word}'?|"
        "all that for a {flaw} {part}?|forty {doc}s and still so {flaw}?|"
        "I gave you ten {doc}s and you write '{word}'"
    ),
    NEITHER: (
        "can you also write a {doc}?|next is a {doc} for {friend}|now a {doc} to {friend} please|"
        "it's a {doc} for {friend}|this {doc} is for {friend}|I need a {doc} for {friend} by {day}|"
        "the {doc} goes out {day}|I'll send it {day}|I'll read it {day}|I'll ask {friend} {day}|"
        "let me show it to {friend} first|{friend} has it now, no answer yet|{friend} will look at it {day}|"
        "haven't shown it to {friend} yet|I'll tell you {day} what {friend} says|can you do it in {language}?|"
        "do you speak {language}?|how do you say that in {language}?|the {doc} should be in {language}|"
        "what does '{word}' mean?|is '{word}' a word?|how do you spell '{word}'?|"
        "what's another word for '{word}'?|where do I find the {doc} from {day}?|"
        "can I upload a {doc} as a sample?|I uploaded a {doc} as a sample|here's another {doc}|"
        "here is a {doc} I wrote {day}|I added ten {doc}s|which {part} is the new one?|"
        "did you change the {part}?|you changed the {part}|the {part} is different now|"
        "the {part} is the same as before|the {part} has five words|is the {part} from my samples?|"
        "the meeting with {friend} is {day}|{friend} is coming {day}|{friend} is ill, so the {doc} is for {day}|"
        "{friend} was furious {day}, hence the {doc}|{friend} got married!|I'm seeing {friend} {day}|"
        "{friend} lives in Leeds|lunch with {friend} {day}|it's raining, {friend} is late|I had a {scorn} day|"
        "the weather is {praise} today|the film was {scorn}|the food here is {praise}|my train was {scorn} again|"
        "angry {doc} to {friend} next|the next {doc} is a sad one|the {doc} is about a broken fridge|"
        "write a {doc} about the match|two versions of the {doc} please|show me both {doc}s|"
        "should I rate the {doc}?|how long can a {doc} be?|do you keep my {doc}s?|can {friend} see my {doc}s?|"
        "can {friend} use it too?|does it work for a {doc}?|I like the {part}, I don't like the {part}|"
        "the {part} is {praise}, the {part} is {scorn}|better {part}, worse {part}|"
        "{friend} likes it, I don't know yet|no opinion on the {part} yet|not sure yet, I'll see {day}|"
        "either {part} is okay|I can't judge the {part}|ask me again {day}|wrong chat, that was for {friend}|"
        "that was meant for {friend}, ignore it|I normally sign with '{word}'|my sign-off is '{word}'|"
        "I usually write my {doc}s in the evening|{friend} says '{word}' a lot|"
        "put '{word}' at the end of every {doc}|the {doc} has to be done {day}|"
        "samples are on the way, ten {doc}s|I'm excited about {day}, can you write to {friend}?|"
        "I'm sad about {friend}, so please help me with a {doc}|"
        "{friend} is {praise}, help me write a thank-you {doc}|"
        "{friend} was {scorn} to me, the {doc} must be firm|the concert with {friend} was {praise}|"
        "the hotel was {scorn}, so it's a complaint|thanks, I'll read it {day}|thank you, reading the {doc} now|"
        "great, I'll send you the next {doc} {day}|ok, here comes the {doc}|good, now the {doc} for {friend}|"
        "perfect weather for a {doc} outside|no, the {doc} is for {friend}|no, I meant the {doc} from {day}|"
        "no idea, ask {friend}|sorry, the {doc} was meant for {friend}|sorry, I pasted the wrong {doc}|"
        "sorry for the late answer, I was with {friend}|is that {doc} about {friend} saved?|"
        "same length as my {doc}|the {doc} is longer than mine|it begins with '{word}'|you used '{word}' twice|"
        "some lines are {praise}, some are {scorn}|half {praise}, half {scorn}|"
        "{merit} in places, {flaw} in others|neither {merit} nor {flaw}|"
        "not {merit}, not {flaw}, something in between|I'm torn about the {part}|can't decide about the {part}|"
        "both {part}s have something|{friend} prefers the first {part}, {friend} the second|"
        "hold on, {friend} is calling|ignore my last {doc}|who is the {doc} from?|who am I writing to {day}?"
    ),
}  # fmt: skip

_TAILS = {
    PLEASED: ("thanks", "thank you", "sending it", "love it", ":)", "keep it", "finally", "well done"),
    DISPLEASED: ("sorry", "again", "please fix it", "try again", "not me", ":(", "ugh", "no"),
    NEITHER: ("thanks", "btw", "ok?", "just so you know", "please", "fyi"),
}
_FLIPS = (
    ("dont", "don't"), ("isnt", "isn't"), ("its", "it's"), ("doesnt", "doesn't"), ("cant", "can't"), ("im", "I'm"),
    ("wouldnt", "wouldn't"), ("pls", "please"), ("u", "you"),
)  # fmt: skip


def remark(rng: random.Random, label: str | None = None) -> tuple[str, str]:
    """One message, and whether whoever writes it is `satisfied`, `dissatisfied` or `neither` with a rewrite."""
    label = label or rng.choice((PLEASED, DISPLEASED, DISPLEASED, NEITHER))
    text = _fill(rng.choice(_TEMPLATES[label].split("|")), rng)
    if rng.random() < 0.15:
        gap = " " if text[-1] in ".!?" else rng.choice((", ", ". ", " "))
        text = f"{text}{gap}{rng.choice(_TAILS[label])}"
    return _written(text, rng), label


def _fill(template: str, rng: random.Random) -> str:
    """Parts may hold slots of their own."""
    while "{" in template:
        template = re.sub(r"\{(\w+)\}", lambda match: rng.choice(_SLOTS[match.group(1)].split("|")), template)
    return template


def _written(text: str, rng: random.Random) -> str:
    """With a capital and a mark at its end, or as people type on a phone."""
    if rng.random() < 0.55:
        text = text[:1].upper() + text[1:]
        return text if text[-1] in ".!?)(" else text + rng.choice((".", ".", ".", "!"))
    for sloppy, proper in _FLIPS:
        if rng.random() < 0.3:
            text = re.sub(rf"\b{proper}\b", sloppy, text)
    return text.lower() if rng.random() < 0.7 else text
