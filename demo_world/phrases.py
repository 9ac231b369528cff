"""The words of reviews: openings, sentences about dishes and rooms, asides, closings.

``{dish}`` is the name of a dish, ``{was}``/``{it}``/``{them}`` agree with its number; ``{adj}``
and ``{adj2}`` praise that very dish, ``{part}`` and ``{part2}`` are what it consists of;
``{good}`` and ``{bad}`` are the writer's own words; ``{very}`` is how they stress.
``{room}`` and ``{mood}`` describe the ambience.
"""

from __future__ import annotations

GOOD = (
    "great", "delicious", "amazing", "excellent", "fantastic", "wonderful", "tasty", "superb",
    "lovely", "outstanding", "perfect", "incredible", "awesome", "solid", "memorable", "divine",
    "stellar", "yummy", "fabulous", "terrific", "splendid", "first-rate", "spot on", "heavenly",
    "exceptional", "brilliant", "phenomenal", "satisfying", "authentic", "comforting", "glorious",
    "top-notch", "impressive", "unreal", "legit", "flawless", "marvelous", "balanced",
)  # fmt: skip

BAD = (
    "bland", "soggy", "lukewarm", "greasy", "dry", "overcooked", "forgettable", "disappointing",
    "underseasoned", "tired", "stale", "salty beyond reason", "cold", "heavy", "mediocre", "flat",
    "overpriced", "limp", "chewy", "rushed",
)  # fmt: skip

VERY = (
    "so", "really", "very", "truly", "absolutely", "super", "just", "simply", "seriously",
    "wonderfully", "incredibly", "genuinely", "honestly", "ridiculously",
)  # fmt: skip

OPENINGS = (
    "finally made it here", "we stopped by on a friday night", "came here for lunch with coworkers",
    "my favorite spot in town", "what a find", "hidden gem", "third visit and counting",
    "dropped in after work", "we were visiting from out of town", "date night success",
    "a friend told me about this place", "walked past this place for years",
    "took the whole family", "birthday dinner for my sister", "quick bite before a movie",
    "been craving this all week", "the line was long but it moved fast", "sunday tradition",
    "popped in on a rainy afternoon", "late lunch on a quiet tuesday", "my go-to after the gym",
    "we had high hopes", "stumbled upon this little place", "met an old friend here",
    "ordered at the counter and grabbed a table", "reservations were easy",
    "first time trying this kitchen", "neighborhood favorite", "worth the drive",
    "celebrated our anniversary here", "the kids picked this place", "my husband swears by it",
)  # fmt: skip

CLOSINGS = (
    "will be back", "highly recommend", "can't wait to return", "five stars from me",
    "go hungry", "do yourself a favor and go", "already planning the next visit",
    "see you next week", "tell your friends", "worth every penny", "you won't regret it",
    "thank you to the whole team", "a keeper", "my new regular place", "we left happy and full",
    "put it on your list", "cheers to the chef", "would happily come again", "10 out of 10",
    "save room for seconds", "don't skip it", "nothing more to say", "love this place",
    "bring an appetite", "until next time", "made my day", "so glad we came",
)  # fmt: skip

SOUR_CLOSINGS = (
    "won't be rushing back", "maybe an off night", "hope they fix it", "not worth the price",
    "I expected more", "there are better places nearby", "we left hungry", "two stars at best",
    "such a shame", "would give it one more chance",
)  # fmt: skip

PRAISE = (
    "the {dish} {was} {very} {good}", "the {dish} {was} {adj} and {good}",
    "{very} {good} {dish}, {adj} and {adj2}", "I ordered the {dish} and loved the {part}",
    "try the {dish}, {it} {was} {very} {adj}", "you have to get the {dish}",
    "their {dish} {was} {adj}, with {part} and {part2}",
    "had the {dish} with {part}, {very} {good}", "the {part} in the {dish} {was_part} {good}",
    "best {dish} in the city, {very} {adj}", "the {dish} came out {adj} and {adj2}",
    "I dream about the {dish}", "the star of the night {was} the {dish}, {adj} with {good} {part}",
    "can't stop thinking about that {adj} {dish}", "shared the {dish} and fought over the {part}",
    "the {dish} {was} generous, {adj} and full of {part}", "{adj} {dish}, {good} {part}",
    "got the {dish} again because nothing beats the {part}",
    "a plate of {adj} {dish} made me smile",
    "the {dish} here {was} the real deal, especially the {part}",
    "if you like {adj} food, order the {dish}", "my {dish} {was} {good}, the {part} {very} {adj}",
    "we all agreed the {dish} {was} {good}", "the {dish} disappeared in minutes",
    "loved how {adj} the {dish} {was}", "{good} {dish} with plenty of {part}",
)  # fmt: skip

COMPLAINTS = (
    "the {dish} {was} {bad}", "sadly the {dish} {was} {bad} and the {part} {bad2}",
    "I wanted to like the {dish} but {it} {was} {bad}", "the {part} in my {dish} {was_part} {bad}",
    "{bad} {dish}, nothing like last time", "they forgot the {part} on the {dish}",
    "my {dish} came out {bad}", "the {dish} needed more {part}",
    "expected {adj} {dish}, got something {bad}", "skip the {dish}, {it} {was} {bad}",
)  # fmt: skip

ROOM = (
    "the {room} is {good}", "we sat in the {room}, {very} {mood}", "loved the {room}",
    "such a {mood} {room}", "the {room} makes it feel {mood}", "{mood} mood thanks to the {room}",
    "come for the {room}, it is {mood}", "the {room} is worth a photo", "{mood} and {good} {room}",
    "beautiful {room}, {very} {mood}", "ask for a seat near the {room}",
    "the {room} alone is worth the trip",
)  # fmt: skip

ASIDES = (
    "service was friendly and quick", "our server was a sweetheart", "the owner came by to chat",
    "prices are fair", "a bit pricey but okay", "portions are huge", "parking is a pain",
    "easy parking out back", "we waited ten minutes for a table", "the staff remembered us",
    "water glasses never ran dry", "music was a little loud", "great for groups",
    "good for a first date", "kids were welcome", "they take cards now", "the restroom was clean",
    "lunch specials are a steal", "the menu is short and focused", "bring cash just in case",
    "tea was on the house", "takeout was packed with care", "the kitchen is open so you can watch",
    "desserts change every week", "they were out of lemonade", "the host squeezed us in",
    "happy hour runs until six", "plenty of vegetarian choices", "open late on weekends",
    "tables are close together",
)  # fmt: skip

SOUR_ASIDES = (
    "service was slow", "we waited forty minutes", "the waiter seemed annoyed",
    "the table was sticky", "they got the order wrong", "too loud to talk",
    "prices went up again", "nobody checked on us", "the room was freezing",
    "the bill had a mistake",
)  # fmt: skip

# What would be said of any restaurant, commonest first; {thing}/{thing2} are of THINGS.
THINGS = ("food", "service", "place", "staff", "atmosphere", "experience", "meal", "prices")

ANYBODYS_GOOD = ("great", "good", "amazing", "excellent", "nice", "awesome")

GENERIC = (
    "{good} {thing}", "{good} {thing} and {good2} {thing2}", "{good} {thing} and {thing2}",
    "the {thing} {was} {very} {good}", "the {thing} {was} {good} and the {thing2} {was2} {good2}",
    "highly recommend this place", "{very} {good}", "love this place", "everything was {good}",
    "we will definitely be back", "{very} {good} {thing}", "one of the best places in town",
    "the {thing} {was} {good} as always", "would recommend to anyone", "never disappoints",
    "{good} {thing}, {good2} {thing2}", "can't go wrong here", "always a {good_a} experience",
    "had a {good_a} time", "a {good_a} place to eat", "thank you", "you have to try it",
    "came for the {thing}, stayed for the {thing2}", "everybody in our group was happy",
    "exactly what we wanted", "keep up the good work", "best {thing} around",
    "we had a {good_a} visit from start to finish", "what more could you ask for",
)  # fmt: skip

SOUR_GENERIC = (
    "the {thing} {was} {bad}", "{bad} {thing}", "would not recommend", "nothing special",
    "the {thing} {was} {bad} and the {thing2} {was2} {bad2}", "won't be back", "very disappointed",
    "everything was {bad}", "save your money", "not what it used to be", "just okay",
    "expected better", "go somewhere else",
)  # fmt: skip
