"""Word tables for `neutralise` (marked -> plain) and `restyle` (plain -> marked). English only; written for this project.

Everything here is a surface habit: replacing one side by the other keeps what a sentence says. Keys are lower case.
"""

CONTRACTIONS = {
    "do not": "don't", "does not": "doesn't", "did not": "didn't", "is not": "isn't", "are not": "aren't",
    "was not": "wasn't", "were not": "weren't", "cannot": "can't", "could not": "couldn't", "would not": "wouldn't",
    "should not": "shouldn't", "will not": "won't", "have not": "haven't", "has not": "hasn't", "had not": "hadn't",
    "must not": "mustn't", "need not": "needn't", "i am": "I'm", "you are": "you're", "we are": "we're",
    "they are": "they're", "it is": "it's", "that is": "that's", "there is": "there's", "what is": "what's",
    "where is": "where's", "how is": "how's", "he is": "he's", "she is": "she's", "who is": "who's", "here is": "here's",
    "i have": "I've", "we have": "we've", "they have": "they've", "you have": "you've", "i will": "I'll",
    "you will": "you'll", "we will": "we'll", "they will": "they'll", "it will": "it'll", "he will": "he'll",
    "she will": "she'll", "that will": "that'll", "i would": "I'd", "we would": "we'd", "you would": "you'd",
    "they would": "they'd", "he would": "he'd", "she would": "she'd", "let us": "let's",
}  # fmt: skip

BARE_CONTRACTIONS = {
    "im": "I am", "ive": "I have", "dont": "do not", "doesnt": "does not", "didnt": "did not", "cant": "cannot",
    "couldnt": "could not", "wouldnt": "would not", "shouldnt": "should not", "isnt": "is not", "arent": "are not",
    "wasnt": "was not", "werent": "were not", "wont": "will not", "havent": "have not", "hasnt": "has not",
    "hadnt": "had not", "thats": "that is", "theres": "there is", "whats": "what is", "wheres": "where is",
    "hows": "how is", "heres": "here is", "youre": "you are", "theyre": "they are", "youve": "you have",
    "weve": "we have", "theyve": "they have", "youll": "you will", "theyll": "they will", "itll": "it will",
    "lets": "let us", "aint": "is not", "ain't": "is not", "y'all": "you all", "yall": "you all", "shes": "she is",
    "hes": "he is", "its been": "it has been", "its gonna": "it is going to", "its not": "it is not",
    "its so": "it is so", "its a": "it is a", "its the": "it is the", "its like": "it is like", "its too": "it is too", "its due": "it is due", "its gone": "it is gone", "its fine": "it is fine", "its just": "it is just",
    "its only": "it is only", "its actually": "it is actually", "its all": "it is all", "its in": "it is in", "its on": "it is on", "its at": "it is at",
    "its freezing": "it is freezing", "its boiling": "it is boiling", "its cold": "it is cold", "its hot": "it is hot",
    "its raining": "it is raining", "its ok": "it is all right",
}  # fmt: skip

SLANG = {
    "u": "you", "ya": "you", "ur": "your", "urs": "yours", "r": "are", "y": "why", "n": "and", "k": "okay", "kk": "okay",
    "cuz": "because", "coz": "because", "bc": "because", "cos": "because", "'cause": "because", "pls": "please",
    "plz": "please", "thx": "thank you", "thnx": "thank you", "tnx": "thank you", "ty": "thank you", "tysm": "thank you",
    "ppl": "people", "tho": "though", "altho": "although", "thru": "through", "rn": "right now", "atm": "at the moment",
    "idk": "I do not know", "idc": "I do not mind", "btw": "by the way", "omw": "on my way", "brb": "back soon",
    "gonna": "going to", "wanna": "want to", "gotta": "have to", "kinda": "somewhat", "sorta": "somewhat",
    "lemme": "let me", "gimme": "give me", "dunno": "do not know", "outta": "out of", "w/": "with", "w/o": "without", "w": "with",
    "tmrw": "tomorrow", "tmr": "tomorrow", "tmw": "tomorrow", "2moro": "tomorrow", "2nite": "tonight", "tn": "tonight",
    "tonite": "tonight", "yday": "yesterday", "msg": "message", "msgs": "messages", "txt": "text", "prob": "probably",
    "probs": "probably", "prolly": "probably", "def": "definitely", "defo": "definitely", "abt": "about", "b4": "before",
    "gr8": "great", "l8r": "later", "m8": "friend", "luv": "love", "every1": "everyone", "some1": "someone",
    "any1": "anyone", "smth": "something", "sth": "something", "nvm": "never mind", "srsly": "seriously",
    "obv": "obviously", "obvs": "obviously", "pic": "picture", "pics": "pictures", "mins": "minutes", "hrs": "hours",
    "hr": "hour", "min": "minute", "sec": "second", "wk": "week", "wks": "weeks", "wknd": "weekend", "yr": "year",
    "mon": "Monday", "tues": "Tuesday", "tue": "Tuesday", "wed": "Wednesday", "thurs": "Thursday", "thu": "Thursday",
    "fri": "Friday", "til": "until", "till": "until", "yeah": "yes", "yea": "yes", "yep": "yes", "yup": "yes",
    "nope": "no", "nah": "no", "bday": "birthday", "appt": "appointment", "asap": "as soon as possible",
    "fave": "favourite", "fav": "favourite", "convo": "conversation", "info": "information", "deets": "details",
    "bf": "boyfriend", "gf": "girlfriend", "fam": "family", "bro's": "brother's", "sis": "sister", "ok": "all right",
    "okay": "all right", "fyi": "for your information", "eta": "expected time", "hmu": "contact me", "lmk": "let me know",
    "whatcha": "what are you", "dinnertime": "dinner time", "em": "them", "'em": "them", "cya": "see you",
    "imo": "in my opinion", "imho": "in my opinion", "ez": "easy", "sry": "sorry", "srry": "sorry", "goin": "going",
    "doin": "doing", "comin": "coming", "gettin": "getting", "nothin": "nothing", "somethin": "something",
    "tryna": "trying to", "finna": "going to", "hafta": "have to", "needa": "need to", "wats": "what is",
    "wat": "what", "da": "the", "dat": "that", "dis": "this", "wen": "when", "bout": "about", "'bout": "about",
    "havin": "having", "makin": "making", "lookin": "looking", "tbf": "to be fair", "fwiw": "for what it is worth",
    "rly": "really", "thanx": "thank you", "cheers": "thank you",
}  # fmt: skip

DROPPED = [
    "lol", "lmao", "lmfao", "rofl", "haha", "hahaha", "hehe", "heh", "ngl", "tbh", "omg", "omfg", "smh", "fr", "fr fr",
    "no cap", "lowkey", "highkey", "bruh", "bro", "dude", "yo", "ugh", "meh", "wow", "yay", "yayy", "woohoo", "whoa",
    "woah", "oh my goodness", "oh my gosh", "oh my god", "oh wow", "oh boy", "oh dear", "oh yes", "my goodness",
    "goodness", "gosh", "phew", "hooray", "hurray", "ooh", "aww", "eek", "xx", "xo", "xoxo", "damn", "literally",
    "honestly", "seriously", "basically", "like literally", "to be honest", "not gonna lie", "i swear", "believe me",
    "you know what", "by the way", "needless to say", "if i may say so", "i dare say",
    "i daresay", "indeed", "as it were", "so to speak", "truth be told", "gotta say", "af", "swear",
]  # fmt: skip
"""Interjections and hedges that carry no fact; removed where they stand apart (start, end, between commas)."""

INTENSIFIERS = {
    "so", "really", "very", "super", "totally", "absolutely", "completely", "utterly", "truly", "incredibly",
    "insanely", "extremely", "exceedingly", "simply", "most", "rather", "ever so", "way too", "proper", "dead",
}  # fmt: skip
"""Dropped only directly before a word of EMPHASISED."""

EMPHASISED = {
    "good", "great", "happy", "glad", "proud", "tired", "excited", "nice", "lovely", "beautiful", "delicious", "funny",
    "sad", "sorry", "late", "early", "busy", "kind", "grateful", "pleased", "delighted", "disappointed", "cold", "hot",
    "loud", "quiet", "slow", "fast", "quick", "hard", "easy", "boring", "long", "short", "big", "small", "old", "new",
    "bad", "awful", "terrible", "horrible", "amazing", "wonderful", "gorgeous", "brilliant", "fantastic", "perfect",
    "sweet", "cute", "tasty", "fresh", "warm", "bright", "clean", "dirty", "thankful", "weird", "strange", "annoying",
    "annoyed", "expensive", "cheap", "helpful", "useful", "interesting", "important", "satisfactory", "agreeable",
    "pleasant", "hungry", "worried", "nervous", "sleepy", "thoughtful", "generous", "relieved", "impressed", "upset",
}  # fmt: skip

FORMAL_PHRASES = [
    ("i am writing to inform you that", ""), ("i write to inform you that", ""), ("i wish to inform you that", ""),
    ("i am writing to confirm that", ""), ("i write to confirm that", ""), ("please be advised that", ""),
    ("please be informed that", ""), ("i wish to advise you that", ""), ("i beg to inform you that", ""),
    ("it is with great pleasure that", ""), ("it is with considerable pleasure that", ""),
    ("it is with much regret that", ""), ("it is with regret that", ""), ("it is with some regret that", ""),
    ("i regret to inform you that", "unfortunately"), ("i regret to say that", "unfortunately"),
    ("i must regretfully report that", "unfortunately"), ("i am sorry to report that", "unfortunately"),
    ("i am pleased to report that", ""), ("i am pleased to inform you that", ""), ("i am happy to report that", ""),
    ("i am delighted to report that", ""), ("i am glad to report that", ""),
    ("i should like to", "I want to"), ("i would like to", "I want to"), ("i wish to", "I want to"),
    ("we should like to", "we want to"), ("we would like to", "we want to"),
    ("i should be most grateful if you could", "please"), ("i should be most grateful if you would", "please"),
    ("i would be most grateful if you could", "please"), ("i would be most grateful if you would", "please"),
    ("i should be grateful if you could", "please"), ("i should be grateful if you would", "please"),
    ("i would be grateful if you could", "please"), ("i would be grateful if you would", "please"),
    ("i should be much obliged if you would", "please"), ("i should be obliged if you would", "please"),
    ("i should be obliged if you could", "please"), ("might i trouble you to", "please"),
    ("may i trouble you to", "please"), ("might i ask you to", "please"), ("may i ask you to", "please"),
    ("would you be so kind as to", "please"), ("be so kind as to", "please"), ("be so good as to", "please"),
    ("i would ask that you", "please"), ("i kindly ask that you", "please"), ("you are kindly requested to", "please"),
    ("pray do not", "please do not"), ("pray do", "please"), ("kindly", "please"), ("at your earliest convenience", "as soon as you can"),
    ("at your convenience", "when you can"), ("in due course", "later"), ("with regard to", "about"),
    ("with respect to", "about"), ("with reference to", "about"), ("in regard to", "about"), ("regarding", "about"),
    ("concerning", "about"), ("should you require", "if you need"), ("should you need", "if you need"),
    ("should you wish to", "if you want to"), ("should you wish", "if you want"), ("should you have", "if you have"),
    ("should you be", "if you are"), ("should it prove", "if it is"), ("please do not hesitate to", "please"),
    ("do not hesitate to", "please"), ("prior to", "before"), ("subsequent to", "after"), ("in order to", "to"),
    ("owing to", "because of"), ("on account of", "because of"), ("in the event that", "if"), ("provided that", "if"),
    ("a great deal of", "a lot of"), ("a great many", "many"), ("a number of", "some"), ("in addition", "also"),
    ("furthermore", "also"), ("moreover", "also"), ("nevertheless", "however"), ("nonetheless", "however"),
    ("i remain yours faithfully", ""), ("yours faithfully", ""), ("yours sincerely", ""), ("yours truly", ""),
    ("with kind regards", ""), ("kind regards", ""), ("with warm regards", ""), ("i remain at your disposal", ""),
    ("i thank you for your consideration", ""), ("i am much obliged to you", "thank you"),
    ("i am greatly obliged to you", "thank you"), ("i am most grateful to you for", "thank you for"),
    ("i am most grateful for", "thank you for"), ("i am grateful for", "thank you for"),
    ("i am deeply grateful for", "thank you for"), ("please accept my sincere thanks for", "thank you for"),
    ("please accept my thanks for", "thank you for"), ("allow me to thank you for", "thank you for"),
    ("permit me to thank you for", "thank you for"), ("my sincere thanks for", "thank you for"),
    ("please accept my apologies for", "sorry for"), ("i must apologise for", "sorry for"),
    ("i apologise for", "sorry for"), ("as per", "according to"), ("in accordance with", "following"),
    ("it would appear that", "it seems that"), ("i shall", "I will"), ("we shall", "we will"), ("upon", "on"),
    ("i trust that", "I hope that"), ("i trust", "I hope"), ("i am of the opinion that", "I think"),
    ("it is my belief that", "I think"), ("i am confident that", "I think that"), ("in my estimation", "I think"),
    ("one cannot help but", "I have to"), ("i must say that", ""), ("i must say", ""),
    ("i must confess that", ""), ("i must confess", ""), ("i confess that", ""), ("i confess", ""),
    ("was obliged to", "had to"), ("were obliged to", "had to"),
    ("am obliged to", "have to"), ("are obliged to", "have to"), ("is obliged to", "has to"),
    ("i venture to suggest that", "I think that"), ("i believe that", "I think that"), ("of the greatest", "of great"),
    ("at the present time", "now"), ("at present", "now"), ("for the reason that", "because"), ("in spite of", "despite"),
    ("with the exception of", "except"), ("allow me to", "let me"), ("permit me to", "let me"),
    ("i look forward to", "I am looking forward to"), ("forward me", "send me"), ("forward us", "send us"),
    ("forward the", "send the"), ("forward it to", "send it to"), ("forward your", "send your"),
]  # fmt: skip

FORMAL_WORDS = {
    "obtain": "get", "obtained": "got", "assist": "help", "assisted": "helped", "assistance": "help", "require": "need",
    "required": "needed", "requires": "needs", "requested": "asked for", "purchase": "buy", "purchased": "bought",
    "inquire": "ask", "enquire": "ask", "inquired": "asked", "enquired": "asked", "utilise": "use", "utilize": "use",
    "commence": "start", "commences": "starts", "commenced": "started",
    "demonstrate": "show", "retain": "keep", "attempt": "try", "attempted": "tried", "sufficient": "enough",
    "substantial": "large", "numerous": "many", "unsatisfactory": "bad", "additional": "more", "approximately": "about",
    "residence": "home", "individuals": "people", "children's": "children's", "endeavour": "try", "ascertain": "find out",
    "convey": "pass on", "depart": "leave", "departs": "leaves", "departed": "left", "arrive": "arrive", "therefore": "so",
    "thus": "so", "whilst": "while", "amongst": "among", "gratitude": "thanks", "shall": "will", "received": "received",
    "correspondence": "letters", "postponed": "put off", "rectify": "fix", "rectified": "fixed", "resolve": "fix",
    "reside": "live", "resides": "lives", "resided": "lived", "dispatched": "sent", "dispatch": "send",
    "forwarded": "sent", "enclosed": "enclosed", "beverage": "drink", "beverages": "drinks", "inform": "tell",
    "informed": "told", "assure": "assure", "perhaps": "maybe", "exceedingly": "very", "presently": "soon",
    "anticipate": "expect", "anticipated": "expected", "attend": "come to", "splendid": "great", "excellent": "very good",
    "delightful": "nice", "regrettably": "unfortunately", "remainder": "rest", "prompt": "quick",
    "promptly": "quickly", "thrice": "three times", "telephone": "phone", "telephoned": "called", "automobile": "car",
    "physician": "doctor", "permit": "allow", "gentleman": "man", "inclement": "bad", "replied": "answered", "lately": "recently",
    "tedious": "boring", "luncheon": "lunch", "admirable": "very good", "exquisite": "beautiful", "possesses": "has",
    "accordingly": "so", "alas": "unfortunately", "seeks": "wants", "employment": "work", "endeavoured": "tried",
    "conclude": "end", "concluded": "ended", "construct": "build", "constructed": "built",
    "examine": "check", "examined": "checked",
    "select": "choose", "selected": "chose", "consume": "eat", "consumed": "ate",
    "frequently": "often", "seldom": "rarely", "occasionally": "sometimes", "immediately": "at once",
    "costly": "expensive", "fatigued": "tired", "unwell": "ill",
}  # fmt: skip

WARM_PHRASES = [
    ("i cannot wait to", "I want to"), ("cannot wait to", "I want to"), ("i cannot wait for", "I am looking forward to"),
    ("cannot wait for", "I am looking forward to"), ("big hug", ""), ("lots of love", ""), ("love you loads", ""),
    ("love you", ""), ("big hugs", ""), ("hugs", ""), ("my lovely", ""), ("my love", ""), ("my darling", ""),
    ("darling", ""), ("sweetie", ""), ("lovely one", ""), ("hon", ""), ("mate", ""), ("my dear", ""),
    ("you absolute star", ""), ("you legend", ""), ("you angel", ""), ("bless you", ""), ("bless him", ""),
    ("bless her", ""), ("i tell you", ""), ("let me tell you", ""), ("tell you what", ""), ("fingers crossed", "I hope so"),
    ("a bunch of", "some"), ("loads of", "a lot of"), ("tons of", "a lot of"), ("heaps of", "a lot of"), ("a ton of", "a lot of"),
]  # fmt: skip

PLAIN_SWAPS = {
    "awesome": "great", "gorgeous": "beautiful", "yummy": "good", "scrumptious": "good", "fab": "good",
    "fabulous": "very good", "amazing": "very good", "incredible": "very good", "unreal": "very good",
    "phenomenal": "very good", "glorious": "beautiful", "adore": "like", "adored": "liked", "obsessed with": "fond of",
    "thrilled": "happy", "chuffed": "happy", "over the moon": "happy", "ecstatic": "happy", "stoked": "happy",
    "gutted": "disappointed", "knackered": "tired", "shattered": "tired", "wiped": "tired", "crap": "bad",
    "rubbish": "bad", "gross": "bad", "sucks": "is bad", "kid": "child", "kids": "children", "guys": "everyone",
    "grab": "get", "grabbed": "got", "crash": "sleep", "crashed": "slept", "mum": "mother", "mom": "mother",
    "dad": "father", "telly": "television", "tv": "television", "comfy": "comfortable", "veggies": "vegetables",
    "fridge": "refrigerator", "doc": "doctor", "vet": "vet", "bucks": "dollars", "quid": "pounds", "reckon": "think",
    "wee": "small", "tiny": "small", "teeny": "small", "huge": "large", "massive": "large", "ginormous": "large",
    "starving": "hungry", "freezing": "cold", "boiling": "hot", "epic": "great", "sick": "ill", "legit": "really",
}  # fmt: skip

KEEP_DOUBLE = set(
    "good soon too see feel need all hello cool week sweet tree trees door food room well look book been seen keep sleep "
    "meet street feet green cheese coffee happy sorry little dinner better summer supper pizza puppy kitty berry yummy "
    "sunny funny bee feed seed moon noon school tooth mood wood foot boot still call ball tall small will hill fill full "
    "pull tell sell fell bell yell kiss miss pass class glass grass less mess boss loss toss off egg add odd issue three "
    "free agree beef deep knee speed wheel zoo poor floor proof choose loose shoot goodness baboon balloon afternoon".split()
)

PERSON_NAMES = set(
    "aaron abby adam adele aisha alan alex alfie alice alicia amanda amelia amir amy andrea andrew andy angela anita anna "
    "anne annie anthony anya arthur ash ashley astrid barbara bella ben beth betty bill billy bob brandon brian bridget "
    "caleb callum camila carl carla carlos carmen carol caroline carrie catherine cathy charlie charlotte chen chloe chris "
    "christina claire clara colin connor craig daisy dan dana daniel danny daphne dave david deb debbie dean denise derek "
    "diana diego dom donna dorothy dylan eddie edith edward elena eli elijah eliza ella ellen ellie elsie emily emma eric "
    "erin ethan eva eve evelyn fatima felix finn fiona frank fred freddie gary gemma george georgia gina grace graham greg "
    "gwen hana hannah harold harriet harry hassan heather helen helena henry holly howard hugo ian ibrahim imran ines ingrid "
    "irene iris isaac isabel isla ivan jack jackie jacob jade jake james jamie jane janet jason jay jean jeff jen jenna jenny "
    "jeremy jess jessica jill jim jimmy jo joan joanna joe joel john johnny jon jonas jonathan jordan jorge jose josh joy juan "
    "judith judy julia julian julie june karen karl kate katie kay keith kelly ken kenny kevin kim kirsty kyle lara laura "
    "lauren layla lea leah lee lena leo leon lewis liam lily linda lisa liz logan lola louis louise lucas lucy luis luke lydia "
    "lynn maggie marc marco marcus margaret maria marie mark marta martha martin marvin matt matthew maya megan mehmet mei "
    "mel melissa mia michael michelle miguel mike mila milo miriam mohammed molly monica morgan nadia naomi nate neil nell nick "
    "nicola nicole nina noah noor nora norman oliver olivia omar oscar otto owen pablo pam pat patricia patrick paul paula "
    "pedro penny pete peter phil philip phoebe pia polly priya quentin rachel raj ralph ravi ray rebecca rick rob robert robin "
    "roger ron rory rosa rose rosie ross ruby ruth ryan sadie sally sam samantha samir sandra sara sarah scott sean seb sergio "
    "shane sharon sheila simon sofia sophia sophie stella steph stephanie steve steven stuart sue susan suzie sven tara ted "
    "teresa terry tess theo theresa tim tina toby todd tom tommy toni tony tracy tyler uma ursula val vanessa vera victor "
    "victoria vince violet walter wendy wes will william xavier yara yasmin yusuf zac zach zara zoe".split()
)
NAMES = PERSON_NAMES | set(
    "london paris berlin rome madrid lisbon dublin edinburgh glasgow manchester liverpool leeds bristol york cardiff oxford "
    "cambridge brighton vienna prague oslo athens barcelona amsterdam brussels chicago boston seattle denver austin portland "
    "dallas toronto sydney tokyo delhi mumbai cairo nairobi england scotland wales ireland france germany spain italy portugal "
    "greece norway sweden japan china india canada mexico brazil america europe africa "
    "monday tuesday wednesday thursday friday saturday sunday january february april june july august september october "
    "november december christmas easter halloween english french german spanish italian".split()
)
"""Lower-case forms of words written with a capital. Ambiguous ones (will, rose, mark, grace, may, march) are handled
by AMBIGUOUS_NAMES."""

AMBIGUOUS_NAMES = set("will rose mark grace joy june bill pat ray sue penny frank iris ruby daisy lily violet dean jean robin rob "
                      "josh jack jay holly heather victor may dawn faith hope summer art drew chase miles reading nice china ash "
                      "jordan eve val don lee kay major wes mel jade stella opal clay dana".split())  # fmt: skip

SHOUTED = set(
    "so not love best ever very all now yes no this that what why you me my the and too big day new wow oh omg good can is "
    "was are am we he she they stop please must need want go one two more most just much soon huge hot cold out on off in "
    "up at of to for from got get gone his her our us who how when back done free full half hour if last late long look lot "
    "loud mad may nice next nope old only over own real red same see sad slow some such sure take tell ten them then time "
    "top try wait warm way well were will win with won work year your yum bad cake come cute days did do dead dear does eat "
    "else even few five four fun give hate have here home hope hug into it its joy keep kind know left like live lol made "
    "make many mine miss mum nine none once open pie pure put rain run said six star sun sure that tiny wild mean an as be "
    "but by had has or out".split()
)
"""Words that people write in capitals to be loud; other short capitals are taken for acronyms."""

OPENERS = set(
    "the a an i we he she it you they my our your his her their its this that these those there here who what where when why how "
    "which whose if as because since while although though after before until unless once in on at by for from to with without "
    "of about over under between during near behind beside next last only also even still just then now today tomorrow "
    "yesterday tonight soon later however perhaps maybe sometimes usually often please thank thanks sorry could can would will "
    "should shall may might must do does did is are was were am has have had let one two three four five six seven eight nine ten "
    "some any all both each every many most few several no not nobody nothing someone something everyone everything anyone "
    "another other and but or so yet nor yes make take send bring call tell ask come go get give keep put try use check read "
    "think see wait write buy meet hello hi dear instead afterwards otherwise therefore meanwhile finally first unfortunately "
    "fortunately apparently actually".split()
)
"""Words that begin sentences and are no names."""
