"""Countries, towns, streets and telephone numbers.

In a number pattern, Z is the town's area code and a to g are the subscriber's seven digits; the first is 2 to 9.
In a postal code, # is any digit.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Country:
    code: str
    share: int
    """Out of 100 companies."""
    names: tuple[str, ...]
    """The usual spelling first; the others are met on a few records."""
    landline: tuple[str, ...]
    mobile: tuple[str, ...]
    street: str
    """{s} is the street's name, {n} the house number."""
    streets: tuple[str, ...]
    towns: tuple[tuple[str, str, str, str], ...]
    """City, state, postal code, area code."""


def _country(
    code: str, share: int, names: str, landline: str, mobile: str, street: str, streets: str, towns: str
) -> Country:
    rows = [[part.strip() for part in line.split("|")] for line in towns.strip().splitlines()]
    return Country(
        *(code, share, tuple(names.split("|")), tuple(landline.split("|")), tuple(mobile.split("|")), street),
        streets=tuple(s.strip() for s in streets.split(",")),
        towns=tuple((r[0], r[1], r[2], r[3]) for r in rows),
    )


COUNTRIES: tuple[Country, ...] = (
    _country(
        *("US", 36, "United States|USA|U.S.", "(Z) abc-defg|+1 Z-abc-defg|Z.abc.defg", "+1 (Z) abc-defg|Z-abc-defg"),
        *("{n} {s}", "Main St, Oak Avenue, Maple Drive, 2nd Street, Market St, Washington Blvd, Lake Road, Cedar Lane"),
        """New York | NY | 100## | 212
        Boston | MA | 021## | 617
        Chicago | IL | 606## | 312
        Austin | TX | 787## | 512
        Houston | TX | 770## | 713
        San Francisco | CA | 941## | 415
        Los Angeles | CA | 900## | 213
        Seattle | WA | 981## | 206
        Denver | CO | 802## | 303
        Atlanta | GA | 303## | 404
        Miami | FL | 331## | 305
        Minneapolis | MN | 554## | 612""",
    ),
    _country(
        *("GB", 10, "United Kingdom|UK|Great Britain", "+44 Z abc defg|0Z abc defg|(0Z) abc defg"),
        *("+44 741a bcdefg|0741a bcdefg", "{n} {s}"),
        "High Street, Station Road, Church Lane, Victoria Road, King's Parade, Mill Lane, The Crescent, Albert "
        "Embankment",
        """London | Greater London | EC#A #BT | 207
        London | Greater London | SW# #RP | 208
        Manchester | Greater Manchester | M# #AE | 161
        Glasgow | Scotland | G# #YD | 141
        Liverpool | Merseyside | L# #JQ | 151
        Leeds | West Yorkshire | LS# #TX | 345
        Bristol | Avon | BS# #HN | 330""",
    ),
    _country(
        *("DE", 13, "Germany|Deutschland", "+49 Z abcdefg|0Z/abcdefg|(0Z) abc defg", "+49 151 1abcdefg|0151 1abcdefg"),
        *("{s} {n}", "Hauptstraße, Bahnhofstr., Lindenallee, Gartenweg, Industriestraße, Am Alten Markt, Schloßplatz"),
        """Berlin | Berlin | 10### | 30
        Hamburg | Hamburg | 20### | 40
        München | Bayern | 80### | 89
        Köln | Nordrhein-Westfalen | 50### | 221
        Frankfurt am Main | Hessen | 60### | 69
        Stuttgart | Baden-Württemberg | 70### | 711
        Dresden | Sachsen | 01### | 351
        Nürnberg | Bayern | 90### | 911""",
    ),
    _country(
        *(
            "FR",
            9,
            "France",
            "+33 Za bc de fg|0Za bc de fg|0Za.bc.de.fg",
            "+33 6 1a bc de fg|06 1a bc de fg",
            "{n} {s}",
        ),
        "rue de la République, avenue Victor Hugo, boulevard Voltaire, rue du Général Leclerc, place de "
        "l'Église, quai Nord",
        """Paris | Île-de-France | 750## | 1 4
        Lyon | Auvergne-Rhône-Alpes | 690## | 4 7
        Marseille | Provence-Alpes-Côte d'Azur | 130## | 4 9
        Toulouse | Occitanie | 310## | 5 6
        Nantes | Pays de la Loire | 440## | 2 4
        Saint-Étienne | Auvergne-Rhône-Alpes | 420## | 4 7""",
    ),
    _country(
        *("ES", 7, "Spain|España", "+34 Za bcd efg|Za bcd efg|Z a bc de fg", "+34 61a bcd efg|61abcdefg", "{s}, {n}"),
        "Calle Mayor, Gran Vía, Avenida de la Constitución, Paseo del Prado, Calle Cervantes, Plaza de España",
        """Madrid | Madrid | 280## | 91
        Barcelona | Cataluña | 080## | 93
        Valencia | Comunidad Valenciana | 460## | 96
        Sevilla | Andalucía | 410## | 95
        Bilbao | País Vasco | 480## | 94""",
    ),
    _country(
        *("IT", 6, "Italy|Italia", "+39 Z abcdefg|Z abcdefg|Z/abc.defg", "+39 347 abcdefg|347 abc defg", "{s}, {n}"),
        "Via Roma, Corso Garibaldi, Via Dante Alighieri, Piazza della Libertà, Viale Europa, Via San Martino",
        """Milano | Lombardia | 201## | 02
        Roma | Lazio | 001## | 06
        Torino | Piemonte | 101## | 011
        Bologna | Emilia-Romagna | 401## | 051
        Napoli | Campania | 801## | 081
        Forlì | Emilia-Romagna | 471## | 0543""",
    ),
    _country(
        *("NL", 5, "Netherlands|Holland|Nederland", "+31 Z abc defg|0Z-abcdefg|(0Z) abc defg"),
        *(
            "+31 6 1abcdefg|06-1abcdefg",
            "{s} {n}",
            "Kerkstraat, Stationsweg, Dorpsstraat, Prinsengracht, Molenlaan, De Ruyterkade",
        ),
        """Amsterdam | Noord-Holland | 10## AB | 20
        Rotterdam | Zuid-Holland | 30## CD | 10
        Utrecht | Utrecht | 35## EH | 30
        Den Haag | Zuid-Holland | 25## GK | 70
        Eindhoven | Noord-Brabant | 56## LM | 40""",
    ),
    _country(
        *(
            "PL",
            4,
            "Poland|Polska",
            "+48 Z abc de fg|Z abc de fg|(Z) abc-de-fg",
            "+48 50a bcd efg|50a bcd efg",
            "ul. {s} {n}",
        ),
        "Długa, Piękna, Kościuszki, Świętego Marcina, Mickiewicza, Słoneczna",
        """Warszawa | Mazowieckie | 00-### | 22
        Kraków | Małopolskie | 30-### | 12
        Wrocław | Dolnośląskie | 50-### | 71
        Poznań | Wielkopolskie | 60-### | 61
        Łódź | Łódzkie | 90-### | 42""",
    ),
    _country(
        *(
            "SE",
            3,
            "Sweden|Sverige",
            "+46 Z abc de fg|0Z-abc de fg|0Z abcdefg",
            "+46 70 abc de fg|070-abc de fg",
            "{s} {n}",
        ),
        "Storgatan, Kungsgatan, Järnvägsgatan, Skolvägen, Södra Hamngatan, Björkstigen",
        """Stockholm | Stockholms län | 11# ## | 8
        Göteborg | Västra Götalands län | 41# ## | 31
        Malmö | Skåne län | 21# ## | 40
        Umeå | Västerbottens län | 90# ## | 90""",
    ),
    _country(
        *("JP", 3, "Japan|日本", "+81 Zabc-defg|0Zabc-defg|(0Zabc)defg", "+81 90-1abc-defg|090-1abc-defg", "{s}{n}"),
        "丸の内1-, 西新宿2-, 梅田3-, 栄4-, みなとみらい5-, 大手町1-",
        """東京都千代田区 | 東京都 | 100-00## | 3-5
        大阪市北区 | 大阪府 | 530-00## | 6-6
        名古屋市中区 | 愛知県 | 460-00## | 52-
        横浜市西区 | 神奈川県 | 220-00## | 45-""",
    ),
    _country(
        *("CN", 3, "China|中国", "+86 Zabc defg|0Zabc defg|(0Z)abcdefg", "+86 138 1abc defg|1381abcdefg", "{s}{n}号"),
        "人民路, 中山路, 建国大道, 解放路, 科技园路, 南京西路",
        """北京市 | 北京 | 1000## | 10 6
        上海市 | 上海 | 2000## | 21 6
        广州市 | 广东 | 5100## | 20 8
        深圳市 | 广东 | 5180## | 755 8
        杭州市 | 浙江 | 3100## | 571 8""",
    ),
    _country(
        *("TR", 1, "Türkiye|Turkey", "+90 Z abc de fg|0Z abc de fg|(0Z) abc de fg", "+90 532 abc de fg|0532 abc de fg"),
        *("{s} No: {n}", "İstiklal Caddesi, Atatürk Bulvarı, Bağdat Caddesi, Çiçek Sokak, Gazi Mustafa Kemal Bulvarı"),
        """İstanbul | İstanbul | 34### | 212
        Ankara | Ankara | 06### | 312
        İzmir | İzmir | 35### | 232
        Bursa | Bursa | 16### | 224""",
    ),
)
