"""What the reviews of the example say, in five languages of five scripts.

A review is an opening, a sentence about the dish that the photo shows, and a closing; the sentence
is the explanation. The dishes are those that ``demo_world`` paints, in the order of ``DISHES``.
"""

from __future__ import annotations

from dataclasses import dataclass

DISHES = (
    "beef noodle soup",
    "tonkotsu ramen",
    "pork dumplings",
    "margherita pizza",
    "cheeseburger",
    "caesar salad",
    "butter chicken",
    "tiramisu",
)


@dataclass(frozen=True)
class Language:
    """The phrases of a language.

    Attributes:
        dishes: What the dishes are called.
        openings: How reviews begin.
        praise: Sentences about ``{dish}``.
        closings: How reviews end.
        gap: What stands between two sentences.
    """

    dishes: tuple[str, ...]
    openings: tuple[str, ...]
    praise: tuple[str, ...]
    closings: tuple[str, ...]
    gap: str = " "


LANGUAGES = {
    "arabic": Language(
        dishes=(
            *("حساء النودلز باللحم", "رامن", "زلابية باللحم", "بيتزا مارغريتا"),
            *("برغر بالجبن", "سلطة سيزر", "دجاج بالزبدة", "تيراميسو"),
        ),
        openings=("زرنا المكان مساء الجمعة.", "جئت مع أصدقائي.", "وصلنا متأخرين قليلا."),
        praise=(
            "طلبت {dish} وكان الطعم رائعا.",
            "أنصح بتجربة {dish} هنا.",
            "أفضل {dish} في المدينة!",
        ),
        closings=("سأعود قريبا.", "شكرا للجميع.", "الخدمة سريعة."),
    ),
    "chinese": Language(
        dishes=(
            *("牛肉面", "豚骨拉面", "猪肉饺子", "玛格丽特披萨"),
            *("芝士汉堡", "凯撒沙拉", "黄油鸡", "提拉米苏"),
        ),
        openings=("周五晚上和朋友来的。", "第三次来这家店了。", "下班以后顺路进来。"),
        praise=("这家的{dish}真好吃！", "一定要点{dish}，味道很正宗。", "最喜欢他们的{dish}。"),
        closings=("下次还会再来。", "服务也很热情。", "价格不贵。"),
        gap="",
    ),
    "japanese": Language(
        dishes=(
            *("牛肉麺", "豚骨ラーメン", "焼き餃子", "マルゲリータ"),
            *("チーズバーガー", "シーザーサラダ", "バターチキン", "ティラミス"),
        ),
        openings=("金曜の夜に友人と行きました。", "久しぶりの訪問です。", "仕事帰りに寄りました。"),
        praise=(
            "ここの{dish}は本当に美味しいです！",
            "{dish}を注文して正解でした。",
            "{dish}が一番のおすすめです。",
        ),
        closings=("また来ます。", "店員さんも親切でした。", "値段も手頃です。"),
        gap="",
    ),
    "russian": Language(
        dishes=(
            *("суп с лапшой", "рамен", "пельмени", "пиццу маргариту"),
            *("чизбургер", "салат цезарь", "курицу в масле", "тирамису"),
        ),
        openings=("Зашли в пятницу вечером.", "Был здесь с друзьями.", "Пришли после работы."),
        praise=(
            "Обязательно закажите {dish}!",
            "Мы взяли {dish}, очень вкусно.",
            "Лучше всего здесь готовят {dish}.",
        ),
        closings=("Придём ещё.", "Официанты приветливы.", "Цены невысокие."),
    ),
    "thai": Language(
        dishes=(
            *("ก๋วยเตี๋ยวเนื้อ", "ราเมงกระดูกหมู", "เกี๊ยวหมู", "พิซซ่ามาร์เกริต้า"),
            *("ชีสเบอร์เกอร์", "ซีซาร์สลัด", "แกงไก่เนย", "ทีรามิสุ"),
        ),
        openings=("มากับเพื่อนเย็นวันศุกร์", "มาครั้งที่สามแล้ว", "แวะมาหลังเลิกงาน"),
        praise=("{dish}ของร้านนี้อร่อยมาก", "ต้องสั่ง{dish}ให้ได้", "ชอบ{dish}ที่สุด"),
        closings=("จะกลับมาอีก", "พนักงานใจดี", "ราคาไม่แพง"),
    ),
}
