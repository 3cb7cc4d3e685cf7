"""Names of people, by country: given names as they are common, surnames common or put together from common parts.

The parts matter: a hundred thousand people drawn from fifty surnames would all be namesakes, which no real org has.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

COMMON = 24
"""So many names at the head of each pool are the country's frequent ones."""


@dataclass(frozen=True)
class Word:
    """A name as written and as an e-mail address spells it."""

    text: str
    ascii: str
    female: bool = False


_GIVEN: dict[str, tuple[str, str]] = {
    "US": (
        "James Robert John Michael David William Richard Joseph Thomas Christopher Charles Daniel Matthew Anthony Mark "
        "Steven Andrew Kenneth Joshua Kevin Brian Timothy Jeffrey Nicholas Gregory Samuel Benjamin Patrick Raymond "
        "Zachary Tyler Omar Diego Kwame",
        "Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen Margaret Sandra Ashley "
        "Kimberly Emily "
        "Donna Michelle Deborah Stephanie Rebecca Kathleen Amanda Cynthia Victoria Abigail Priya Yolanda Guadalupe "
        "Brooke Heather Naomi Fatima Judith Valerie",
    ),
    "GB": (
        "Oliver George Harry Jack Jacob Noah Charlie Thomas Oscar William Alistair Callum Duncan Edward Frederick "
        "Graham Hugh Ian Kieran Lewis Malcolm Nigel Owen Rhys Rupert Simon Stuart Toby Vikram Yusuf",
        "Amelia Olivia Isla Poppy Ava Grace Charlotte Freya Sophie Imogen Bethan Ceri Daisy Eleanor Fiona "
        "Gemma Harriet "
        "Jemima Kirsty Lorna Megan Nicola Philippa Rosalind Shauna Tamsin Ursula Winifred Zara Aisha",
    ),
    "DE": (
        "Andreas Bernd Christian Dieter Ernst Felix Günter Heiko Ingo Jürgen Klaus Lukas Matthias Norbert Olaf Peter "
        "Rainer Stefan Thorsten Uwe Volker Wolfgang Jörg Sönke Karl-Heinz Mehmet Burkhard Detlef Emil Friedrich",
        "Anke Birgit Claudia Dörte Elke Frauke Gudrun Heike Ilse Jutta Katrin Leonie Monika Nadine Petra Renate Sabine "
        "Tanja Ursula Vera Waltraud Käthe Anna-Lena Britta Cornelia Friederike Hannelore Mareike Silke Zeynep",
    ),
    "FR": (
        "Antoine Benoît Cédric Damien Étienne François Guillaume Hervé Jérôme Kévin Laurent Mathieu Nicolas Olivier "
        "Pascal Quentin Rémi Sébastien Thierry Vincent Xavier Yann Jean-Luc Jean-Marc Abdel Gaël Loïc Bruno Thibault",
        "Amélie Brigitte Céline Delphine Élodie Florence Géraldine Hélène Isabelle Joëlle Karine Léa Mireille Nathalie "
        "Océane Pauline Sandrine Sylvie Thérèse Véronique Yasmine Zoé Anne-Sophie Marie-Claire Chloé Maëlle Noémie",
    ),
    "ES": (
        "Alejandro Álvaro Borja Carlos Diego Eduardo Fernando Gonzalo Héctor Iñaki Javier Luis Manuel Nicolás Óscar "
        "Pablo Rafael Sergio Tomás Víctor Jesús Ramón Gerardo Joaquín Emilio Cristóbal Ignacio Santiago Xabier",
        "Ainhoa Beatriz Carmen Dolores Elena Fátima Gloria Inmaculada Julia Lucía Marta Nuria Olga Pilar Rocío Sofía "
        "Teresa Verónica Yolanda Begoña Concepción Esperanza Itziar Leticia Mercedes Noelia Paloma Raquel Ximena",
    ),
    "IT": (
        "Alessandro Bruno Carlo Davide Enrico Fabio Giuseppe Lorenzo Marco Niccolò Orlando Paolo Riccardo Salvatore "
        "Tommaso Umberto Vincenzo Giancarlo Emanuele Filippo Gianluca Leonardo Massimo Piero Renato Stefano Walter",
        "Alessia Beatrice Chiara Donatella Eleonora Federica Giulia Ilaria Lucrezia Martina Noemi Ornella Patrizia "
        "Roberta Silvia Teresa Valentina Zita Annamaria Cinzia Francesca Ludovica Mariangela Raffaella Serena Viola",
    ),
    "NL": (
        "Bart Cornelis Dirk Evert Floris Gijs Hendrik Ivo Joost Koen Lars Maarten Niels Onno Pieter Ruud Sjoerd Teun "
        "Vincent Wouter Jeroen Thijs Bram Freek Jasper Menno Rutger Willem",
        "Anouk Brechtje Carlijn Daphne Esmée Femke Geertje Hanneke Ilse Joke Karin Lieke Marloes Nienke Petra Roos "
        "Saskia Tineke Vera Wilma Annelies Fleur Heleen Jolanda Margriet Renske Sanne Zoë",
    ),
    "PL": (
        "Adam Bartosz Cezary Dariusz Filip Grzegorz Henryk Jakub Krzysztof Łukasz Marek Norbert Paweł Rafał Sławomir "
        "Tomasz Wojciech Zbigniew Stanisław Mirosław Andrzej Jarosław Kacper Leszek Szymon Witold",
        "Agnieszka Beata Celina Dorota Elżbieta Grażyna Halina Iwona Joanna Katarzyna Łucja Małgorzata Natalia Olga "
        "Patrycja Renata Sylwia Teresa Urszula Weronika Zofia Bożena Ewa Jadwiga Kinga Magdalena",
    ),
    "SE": (
        "Anders Björn Christer Daniel Erik Fredrik Göran Håkan Ingemar Johan Kjell Lennart Mats Niklas Oskar Per "
        "Rickard Stefan Tomas Ulf Viktor Åke Örjan Mikael Gunnar Henrik Sven Torbjörn",
        "Agneta Birgitta Camilla Desirée Elin Frida Gunilla Hanna Ingrid Josefin Kristina Lena Märta Nina Pernilla "
        "Rebecka Sigrid Therese Ulrika Viktoria Åsa Britt-Marie Ebba Helena Linnéa Malin Susanne Wilhelmina",
    ),
    "JP": (
        "健一:kenichi 大輔:daisuke 翔太:shota 拓也:takuya 直樹:naoki 浩:hiroshi 誠:makoto 学:manabu 亮:ryo "
        "蓮:ren 隆:takashi "
        "和也:kazuya 修:osamu 剛:tsuyoshi 雄一:yuichi 哲也:tetsuya 勇気:yuki 慎吾:shingo 正人:masato 龍之介:ryunosuke",
        "陽子:yoko 美咲:misaki 葵:aoi 恵子:keiko 由美:yumi 千尋:chihiro 直美:naomi 久美子:kumiko 真理:mari "
        "彩:aya 結衣:yui "
        "麻衣:mai 幸子:sachiko 智子:tomoko 裕子:hiroko 桜:sakura 明美:akemi 綾乃:ayano 琴音:kotone 楓:kaede",
    ),
    "CN": ("", ""),
    "TR": (
        "Ahmet Burak Cem Deniz Emre Fatih Gökhan Hüseyin İbrahim Kemal Levent Mustafa Necati Oğuz Özgür Ramazan Serkan "
        "Tolga Uğur Volkan Yavuz Çağlar Şükrü Barış Halil Murat",
        "Ayşe Buse Ceren Derya Elif Feride Gülşen Hülya İpek Kübra Leyla Meryem Nurcan Özlem Pınar Rabia Sevgi Tuğba "
        "Ümran Yıldız Zehra Çiğdem Şule Esra Fulya Melek",
    ),
}

_SURNAMES: dict[str, str] = {
    "US": "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson "
    "Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Nguyen O'Brien Patel Kowalski McAllister",
    "GB": "Smith Jones Taylor Brown Williams Wilson Johnson Davies Patel Robinson Wright Thompson Evans Walker White "
    "Roberts Green Hall Wood Jackson Clarke Khan Hughes Edwards MacDonald O'Neill Fraser Llewellyn Begum",
    "DE": "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein "
    "Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Yılmaz Groß Weiß Jäger Köhler",
    "FR": "Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefèvre Leroy "
    "Roux David "
    "Bertrand Morel Fournier Girard Bonnet Dupont Lambert Fontaine Benali Gauthier Garnier Faure Chevalier",
    "ES": "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz Hernández Díaz "
    "Moreno Muñoz Álvarez Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ibáñez Núñez Ortega Castaño",
    "IT": "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti Costa Giordano "
    "Mancini Rizzo Lombardi Moretti Barbieri Fontana Santoro Mariani D'Angelo Rinaldi Caruso Galli Leone Villa",
    "NL": "Bakker Visser Smit Meijer Mulder Bos Vos Peters Hendriks Dekker Brouwer Dijkstra Smits Koster Prins Huisman "
    "Postma Kuiper Veenstra Kramer Scholten Willems Verhoeven Timmermans Groen Hoekstra Schouten Bosch",
    "PL": "Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski "
    "Kozłowski Jankowski Mazur Kwiatkowski Krawczyk Piotrowski Grabowski Pawłowski Michalski Król Wieczorek "
    "Wróbel Zając",
    "SE": "Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Pettersson Jonsson "
    "Jansson Hansson Bengtsson Jönsson Lindqvist Axelsson Bergström Lundin Åkesson Öberg Sjögren Holm Ek",
    "JP": "佐藤:sato 鈴木:suzuki 高橋:takahashi 田中:tanaka 伊藤:ito 渡辺:watanabe 山本:yamamoto 中村:nakamura "
    "小林:kobayashi "
    "加藤:kato 吉田:yoshida 山田:yamada 佐々木:sasaki 山口:yamaguchi 松本:matsumoto 井上:inoue 木村:kimura 林:hayashi "
    "斎藤:saito 清水:shimizu 阿部:abe 池田:ikeda 橋本:hashimoto 森:mori",
    "CN": "王:wang 李:li 张:zhang 刘:liu 陈:chen 杨:yang 黄:huang 赵:zhao 吴:wu 周:zhou 徐:xu 孙:sun 马:ma "
    "朱:zhu 胡:hu "
    "郭:guo 何:he 高:gao 林:lin 罗:luo 郑:zheng 梁:liang 谢:xie 宋:song 唐:tang 许:xu 韩:han 冯:feng 邓:deng 曹:cao "
    "彭:peng 曾:zeng 肖:xiao 田:tian 董:dong 潘:pan 袁:yuan 蔡:cai 蒋:jiang 余:yu 杜:du 叶:ye 程:cheng 魏:wei 苏:su "
    "吕:lv 丁:ding 任:ren 卢:lu 姚:yao 沈:shen 钟:zhong 姜:jiang 崔:cui 谭:tan 陆:lu 范:fan 汪:wang 廖:liao 石:shi "
    "金:jin 贾:jia 夏:xia 付:fu 方:fang 白:bai 邹:zou 孟:meng 熊:xiong 秦:qin 邱:qiu 侯:hou 江:jiang 欧阳:ouyang",
    "TR": "Yılmaz Kaya Demir Çelik Şahin Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Kara Koç "
    "Kurt Özkan Şimşek Polat Güneş Erdoğan Aksoy Bulut Keskin Turan Ünal",
}

# Heads and tails: every head with every tail is a surname that people there may well bear.
_PARTS: dict[str, tuple[str, str]] = {
    "US": (
        "Ash Beck Black Brad Brook Bur Car Chad Clay Cold Cray Dar Ell Fair Far Gar Glen Gran Hart Haw Hol Kings Lang "
        "Law Lin Mar Mill Nor Oak Pres Rad Red Rock Shel Stan Sum Thorn Wal War Wes Whit Win Wood York",
        "bury by combe croft dale den field ford ham hurst ley man more ridge stead stone ton ville ward well "
        "wick worth",
    ),
    "DE": (
        "Acker Berg Birken Bruch Buch Busch Dorn Eich Erlen Feld Fuchs Garten Gold Hagen Hasel Heiden Hirsch Holz Kalt "
        "Kamp Kirch Kron Lang Linden Moos Neu Ober Reh Rosen Sand Silber Stein Strauch Tann Thal Wald Weid "
        "Wein Winter Wolf",
        "auer bach bauer berger brink dörfer eck egger feld heim hofer huber kamp mann meier müller reuter "
        "stein thaler "
        "wirth",
    ),
    "FR": (
        "Bar Beau Bel Ber Blan Bois Bon Bour Bre Car Cas Cha Clair Cor Cour Dela Des Du Fer Gau Gran Gué Haute Lam Lar "
        "Lon Mal Mar Mer Mon Nor Pel Per Pon Ren Roche Sau Tou Val Vil",
        "bert card champ chet court din don font gard gnon lat lier lin mont neau net nier pré rand roux tel veau vier",
    ),
    "ES": (
        "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Jiménez Ruiz Díaz Muñoz Romero "
        "Gutiérrez "
        "Navarro Torres Vázquez Serrano Ramos Molina Castro Delgado Ortiz",
        " Aguirre| Blanco| Cabrera| Calvo| Cano| Crespo| Durán| Esteban| Fuentes| Gallego| Garrido| Herrera| Iglesias| "
        "Lozano| Marín| Medina| Méndez| Nieto| Pascual| Peña| Prieto| Reyes| Santana| Vega",
    ),
    "IT": (
        "Ber Bo Bran Cal Can Car Cas Cer Col Fal Fer Gal Gen Giar Lan Lom Man Mar Maz Mon Mor Nal Pal Pan Per Pi Ram "
        "Ran San Sar Ser Tar Tom Tor Val Ven Ver Vis Zam Zan",
        "acci aldi angeli astri atti azzo ellini eroni esi etti ganti goni ini isi masco nardi oli onelli otto "
        "rini tese "
        "ucci zzoni",
    ),
    "NL": (
        "van der |van den |de |van |ten |ter ",
        "Aa Beek Berg Bijl Broek Brug Dam Dijk Eijk Gaast Graaf Haak Heide Heuvel Hoek Hof Horst Kamp Kolk Laan Linden "
        "Meer Molen Ploeg Poel Ridder Schaaf Steen Straaten Torre Veen Velde Vliet Waal Wal Weide Wiel Wijk Wit Zande",
    ),
    "PL": (
        "Adam Bart Biał Bor Brzoz Chmiel Czarn Dęb Głow Górn Grab Jabł Jan Jasi Jawor Kalin Klim Koc Kras Lip Łas Mal "
        "Marc Mil Olsz Ostr Paw Pię Rad Ros Rud Sad Sien Sław Sob Sos Stan Szcz Urb Wal Wierzb Wol Zaj Zaw",
        "ak czak czyk ewski iak ik ikowski iński owicz owski ski ycki",
    ),
    "SE": (
        "Alm Asp Björk Blom Borg Dahl Ek Eng Fors Hag Hed Holm Häll Kvarn Lager Lind Ljung Lund Löf Malm Mo Norr Ny "
        "Ros Rydh Sand Sjö Skog Stål Strand Söder Väster Wall Wik Åker Öst",
        "berg blad bäck dahl én gren hed holm kvist lund man mark ros sten ström ung",
    ),
    "JP": (
        "山:yama 川:kawa 田:ta 中:naka 小:ko 大:o 高:taka 松:matsu 竹:take 石:ishi 森:mori 藤:fuji 西:nishi 北:kita "
        "南:minami 東:higashi 上:kami 下:shimo 村:mura 岡:oka 島:shima 池:ike 杉:sugi 青:ao 黒:kuro 白:shira 金:kane "
        "福:fuku 長:naga 平:hira 宮:miya 吉:yoshi 今:ima 古:furu 新:ara 秋:aki 横:yoko 安:yasu 菊:kiku 桜:sakura",
        "田:da 本:moto 口:guchi 村:mura 川:gawa 山:yama 野:no 原:hara 沢:zawa 島:shima 井:i 木:ki 崎:saki 谷:tani "
        "橋:hashi 岡:oka 尾:o 瀬:se 塚:tsuka 浦:ura 江:e 越:koshi",
    ),
    "TR": (
        "Ak Al Altın Ay Bay Bel Boz Can Çak Dağ Dal Deniz Er Gök Gül Gün Kan Kap Kara Kız Koca Koz Kum Mert Nur Öz Pek "
        "Sağ Sarı Su Şen Tan Taş Tek Tok Türk Uz Yaz Yeşil Yurt",
        "aslan bulut can çelik demir doğan er gün han kan kaya kul maz oğlu soy su taş tekin türk yıldız",
    ),
}
_CHINESE_GIVEN = (
    "建:jian 志:zhi 文:wen 晓:xiao 国:guo 海:hai 永:yong 春:chun 俊:jun 嘉:jia 子:zi 雨:yu 思:si 天:tian "
    "佳:jia 梦:meng "
    "浩:hao 明:ming 玉:yu 秀:xiu 德:de 光:guang 立:li 荣:rong",
    "华:hua 军:jun 平:ping 伟:wei 强:qiang 敏:min 丽:li 芳:fang 杰:jie 涛:tao 超:chao 勇:yong 霞:xia 刚:gang 辉:hui "
    "玲:ling 鹏:peng 轩:xuan 涵:han 怡:yi 琳:lin 博:bo 宇:yu 欣:xin",
)

NICKNAMES = dict(
    pair.split(":")
    for pair in (
        "Robert:Bob William:Bill Richard:Dick James:Jim John:Jack Michael:Mike Thomas:Tom Charles:Chuck Daniel:Dan "
        "Matthew:Matt Anthony:Tony Steven:Steve Andrew:Andy Kenneth:Ken Joshua:Josh Timothy:Tim Jeffrey:Jeff "
        "Nicholas:Nick Gregory:Greg Samuel:Sam Benjamin:Ben Patrick:Pat Raymond:Ray Patricia:Patty Jennifer:Jenny "
        "Elizabeth:Liz Susan:Sue Margaret:Peggy Kimberly:Kim Deborah:Debbie Stephanie:Steph Rebecca:Becky "
        "Kathleen:Kathy Amanda:Mandy Cynthia:Cindy Victoria:Vicky Abigail:Abby Edward:Ted Frederick:Fred "
        "Eleanor:Nell Philippa:Pippa Alejandro:Álex Eduardo:Edu Manuel:Manolo Rafael:Rafa Giuseppe:Beppe "
        "Salvatore:Totò Hendrik:Henk Cornelis:Cees"
    ).split()
)

_FOLD = str.maketrans({"ı": "i", "ł": "l", "Ł": "L", "ø": "o", "ß": "ss", "æ": "ae"})
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


def ascii_of(text: str, country: str = "") -> str:
    """The text as an e-mail address or host name spells it: lower case, a to z and digits only."""
    spelled = (text.translate(_GERMAN) if country == "DE" else text).translate(_FOLD)
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode().lower()
    return "".join(c for c in plain if c.isalnum())


def given_names(country: str) -> list[Word]:
    """The country's given names, in a shuffled order which is always the same; no two with one ASCII spelling."""
    if country == "CN":
        pairs = _combine(*_CHINESE_GIVEN, country)
        return _unique(Word(w.text, w.ascii, i % 2 == 1) for i, w in enumerate(_shuffled(pairs, country)))
    male, female = _GIVEN[country]
    words = [Word(w.text, w.ascii, False) for w in _words(male, country)]
    words += [Word(w.text, w.ascii, True) for w in _words(female, country)]
    return _shuffled(_unique(words), country)


def surnames(country: str) -> list[Word]:
    """The country's surnames: the first COMMON are the frequent ones, the others in a fixed shuffled order."""
    common = _unique(_words(_SURNAMES[country], country))
    parts = _PARTS.get("US" if country == "GB" else country)
    composed = _combine(*parts, country) if parts else []
    return _unique(_shuffled(common, country) + _shuffled(composed, country))


def _words(text: str, country: str) -> Iterator[Word]:
    for token in text.split("|") if "|" in text else text.split():
        written, _, spelled = token.partition(":")
        yield Word(written, spelled or ascii_of(written, country))


def _combine(heads: str, tails: str, country: str) -> list[Word]:
    ends = list(_words(tails, country))
    return [
        Word(_join(h.text, t.text), h.ascii + t.ascii)
        for h in _words(heads, country)
        for t in ends
        if h.text[-1:].lower() != t.text[:1].lower() and not h.text.lower().endswith(t.text.lower())
    ]


def _join(head: str, tail: str) -> str:
    return f"{head.rstrip()} {tail.strip()}" if head.endswith(" ") or tail.startswith(" ") else head + tail


def _shuffled(words: list[Word], country: str) -> list[Word]:
    mixed = list(words)
    Random(f"sfsync {country}").shuffle(mixed)
    return mixed


def _unique(words: Iterator[Word] | list[Word]) -> list[Word]:
    return list({word.ascii: word for word in reversed(list(words))}.values())[::-1]
