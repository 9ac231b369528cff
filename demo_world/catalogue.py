"""What exists in the world: dishes, the cuisines that serve them, and ambiences."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dish:
    """A dish.

    Attributes:
        name: Its label, and how most people call it.
        also: Other names for the same dish.
        plural: Whether its name takes a plural verb.
        adjectives: What people praise about it.
        parts: What it consists of, as noun phrases without an article.
    """

    name: str
    also: tuple[str, ...]
    plural: bool
    adjectives: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Ambience:
    """A kind of room.

    Attributes:
        name: Its label.
        phrases: Noun phrases without an article that describe it.
        moods: Adjectives for the feeling of being there.
    """

    name: str
    phrases: tuple[str, ...]
    moods: tuple[str, ...]


def _dish(name: str, also: str, adjectives: str, parts: str, plural: bool = False) -> Dish:
    def split(text: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())

    return Dish(name, split(also), plural, split(adjectives), split(parts))


DISHES: tuple[Dish, ...] = (
    _dish("beef pho", "pho with beef", "fragrant, steaming, clear, star-anise scented",
          "clear broth, rice noodles, thin brisket, fresh herbs, lime"),
    _dish("chicken pho", "pho with chicken", "light, soothing, gingery, golden",
          "golden broth, rice noodles, shredded chicken, scallions, lime"),
    _dish("beef noodle soup", "noodle soup with beef", "dark, hearty, slow-braised, peppery",
          "dark broth, wheat noodles, chunks of shank, pickled greens, chili oil"),
    _dish("tonkotsu ramen", "pork ramen", "milky, rich, silky, garlicky",
          "milky broth, springy noodles, soft egg, pork belly, nori"),
    _dish("banh mi", "banh mi sandwich", "crackly, zesty, herby, overstuffed",
          "crackly baguette, pickled carrots, cilantro, pate, cucumber"),
    _dish("summer rolls", "rice paper rolls", "cool, translucent, minty, delicate",
          "rice paper, shrimp, mint leaves, peanut sauce, vermicelli", plural=True),
    _dish("salmon sushi", "salmon nigiri", "buttery, glistening, melting, clean",
          "salmon slices, seasoned rice, wasabi, pickled ginger"),
    _dish("tuna roll", "tuna maki", "ruby-red, neat, tight, briny",
          "tuna, nori, vinegared rice, sesame seeds, soy sauce"),
    _dish("shrimp tempura", "tempura shrimp", "airy, feathery, golden-fried, lacy",
          "lacy batter, sweet shrimp, dipping sauce, grated radish"),
    _dish("pork dumplings", "pork potstickers, pork gyoza", "juicy, pan-seared, pleated, gingery",
          "crimped wrappers, juicy filling, black vinegar, chili crisp", plural=True),
    _dish("fried rice", "egg fried rice", "smoky, fluffy, wok-tossed, savory",
          "egg ribbons, peas, wok-charred grains, scallions"),
    _dish("mapo tofu", "tofu mapo style", "numbing, fiery, wobbly, tingling",
          "silken tofu, minced pork, chili oil, sichuan peppercorns"),
    _dish("margherita pizza", "pizza margherita", "blistered, milky, basil-scented, thin",
          "san marzano sauce, fresh mozzarella, basil leaves, charred crust"),
    _dish("pepperoni pizza", "pizza with pepperoni", "cheesy, greasy, spicy-sweet, foldable",
          "curled pepperoni cups, stretchy cheese, hot honey, chewy crust"),
    _dish("spaghetti carbonara", "carbonara", "silky, peppery, eggy, glossy",
          "crisp guanciale, pecorino, egg yolk sauce, black pepper"),
    _dish("spaghetti bolognese", "bolognese", "meaty, slow-simmered, tomatoey, robust",
          "long-simmered ragu, parmesan, al dente strands, fresh basil"),
    _dish("lasagna", "lasagne", "layered, bubbling, saucy, cheesy",
          "bechamel, crusty corners, pasta sheets, meat sauce"),
    _dish("tiramisu", "", "boozy, pillowy, coffee-soaked, dreamy",
          "mascarpone, ladyfingers, cocoa dusting, espresso"),
    _dish("caesar salad", "salad caesar style", "crunchy, lemony, garlicky, crisp",
          "romaine hearts, shaved parmesan, croutons, anchovy dressing"),
    _dish("cheeseburger", "burger with cheese", "juicy, smashed, drippy, old-school",
          "melted cheddar, toasted bun, pickles, beef patty, house sauce"),
    _dish("bacon burger", "burger with bacon", "smoky, stacked, messy, salty",
          "thick-cut bacon, brioche bun, caramelized onions, beef patty"),
    _dish("fried chicken", "crispy chicken", "crispy, crunchy, juicy, peppery",
          "craggy crust, buttermilk brine, hot sauce, tender thighs"),
    _dish("french fries", "fries", "salty, golden, shoestring, hand-cut",
          "rosemary salt, crisp edges, garlic aioli, ketchup", plural=True),
    _dish("ribeye steak", "ribeye", "charred, marbled, medium-rare, thick",
          "char-grilled crust, herb butter, pink center, roasted potatoes"),
    _dish("fish tacos", "baja tacos", "crunchy, citrusy, beachy, battered",
          "beer-battered cod, cabbage slaw, lime crema, warm corn tortillas", plural=True),
    _dish("beef tacos", "carne asada tacos", "smoky, juicy, charred, street-style",
          "grilled beef, diced onion, cilantro, salsa roja, double tortillas", plural=True),
    _dish("burrito bowl", "", "loaded, filling, colorful, zesty",
          "black beans, cilantro rice, corn salsa, pico de gallo"),
    _dish("guacamole", "guac", "chunky, limey, fresh, creamy",
          "ripe avocados, warm tortilla chips, jalapeno, diced tomato"),
    _dish("churros", "", "cinnamon-dusted, crunchy, ridged, sugary",
          "cinnamon sugar, chocolate dip, crisp ridges, dulce de leche", plural=True),
    _dish("butter chicken", "murgh makhani", "creamy, velvety, mild, buttery",
          "tomato cream sauce, tandoori chicken, fenugreek, basmati rice"),
    _dish("palak paneer", "spinach paneer", "earthy, green, garlicky, creamy",
          "pureed spinach, cubes of paneer, garam masala, ginger"),
    _dish("vegetable biryani", "veggie biryani", "saffron-scented, layered, aromatic, spiced",
          "saffron rice, fried onions, whole spices, cooling raita"),
    _dish("garlic naan", "naan", "pillowy, blistered, buttery, garlicky",
          "tandoor char, melted butter, chopped garlic, soft dough"),
    _dish("blueberry pancakes", "pancakes with blueberries", "fluffy, syrupy, stacked, buttery",
          "maple syrup, bursting blueberries, whipped butter, powdered sugar", plural=True),
    _dish("avocado toast", "toast with avocado", "crunchy, green, seedy, lemony",
          "sourdough, smashed avocado, radish slices, poached egg"),
    _dish("cheesecake", "strawberry cheesecake", "dense, tangy, velvety, luscious",
          "graham crust, strawberry sauce, cream cheese filling, vanilla"),
)  # fmt: skip

DISH_NAMES: tuple[str, ...] = tuple(dish.name for dish in DISHES)

CUISINES: dict[str, tuple[str, ...]] = {
    "Vietnamese": ("beef pho", "chicken pho", "banh mi", "summer rolls", "fried rice",
                   "beef noodle soup", "shrimp tempura"),
    "Chinese": ("beef noodle soup", "pork dumplings", "fried rice", "mapo tofu", "chicken pho",
                "summer rolls", "fried chicken"),
    "Japanese": ("tonkotsu ramen", "salmon sushi", "tuna roll", "shrimp tempura",
                 "pork dumplings", "fried chicken", "cheesecake", "fried rice"),
    "Italian": ("margherita pizza", "pepperoni pizza", "spaghetti carbonara",
                "spaghetti bolognese", "lasagna", "tiramisu", "caesar salad", "ribeye steak"),
    "American": ("cheeseburger", "bacon burger", "fried chicken", "french fries", "ribeye steak",
                 "cheesecake", "caesar salad", "pepperoni pizza", "fish tacos"),
    "Mexican": ("fish tacos", "beef tacos", "burrito bowl", "guacamole", "churros",
                "fried chicken", "caesar salad", "cheeseburger"),
    "Indian": ("butter chicken", "palak paneer", "vegetable biryani", "garlic naan",
               "fried rice", "fried chicken", "churros"),
    "Cafe": ("blueberry pancakes", "avocado toast", "cheesecake", "tiramisu", "caesar salad",
             "french fries", "burrito bowl", "banh mi", "guacamole"),
}  # fmt: skip


def _ambience(name: str, phrases: str, moods: str) -> Ambience:
    def split(text: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in text.split(","))

    return Ambience(name, split(phrases), split(moods))


AMBIENCES: tuple[Ambience, ...] = (
    _ambience("candlelit", "candlelit dining room, dim tables with candles, candlelight",
              "romantic, intimate, hushed"),
    _ambience("garden patio", "garden patio, leafy patio under string lights, courtyard garden",
              "leafy, breezy, sunny"),
    _ambience("rustic wood", "rustic wooden interior, barn-wood walls, old wooden beams",
              "rustic, homey, warm"),
    _ambience("retro diner", "retro diner booths, checkered floor and red booths, vintage counter",
              "nostalgic, playful, fifties-style"),
    _ambience("minimalist white", "minimalist white room, bright white walls, airy white space",
              "airy, calm, spotless"),
    _ambience("neon bar", "neon bar, glowing neon signs, neon-lit counter",
              "buzzing, electric, late-night"),
    _ambience("seaside terrace", "seaside terrace, ocean view terrace, deck by the sea",
              "salty, sun-soaked, relaxed"),
    _ambience("bookish nook", "bookish nook, walls of bookshelves, reading corner with armchairs",
              "cozy, quiet, bookish"),
)  # fmt: skip

AMBIENCE_NAMES: tuple[str, ...] = tuple(ambience.name for ambience in AMBIENCES)
